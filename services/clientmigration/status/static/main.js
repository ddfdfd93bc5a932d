// Puts the page together: the stream feeds the world and the fleet, history comes now and then.

import { Fleet, many } from "./fleet.js";
import { give } from "./marks.js";
import { recall } from "./history.js";
import { showNotices } from "./notices.js";
import { follow } from "./stream.js";
import { World } from "./world.js";

const by = (id) => document.getElementById(id);

const fleet = new Fleet();
const world = new World(by("world"), by("map"));
const numbers = new Map();
let play = null;

globalThis.themes(by("theme"), () => world.theme());

let describedAt = -Infinity;
function describe(status) {
  const playing = by("world").getAttribute("role") !== "img"; // then it says something else
  if (playing || performance.now() - describedAt < 10000 || !status.fleet) return;
  describedAt = performance.now();
  const { players, servers } = status.fleet;
  by("world").setAttribute("aria-label", `The meadow, seen from above: ${many(players, "player")} on ${many(servers, "server")}.`);
}

function show(status) {
  give(status.servers.map((server) => server.number));
  fleet.show(status);
  world.showServers(status.servers);
  number(status.servers);
  showNotices(status);
  describe(status);
  offer(status);
}

/** Which number a server has, by its name: charts are drawn in its colour. */
function number(servers) {
  const before = [...numbers].join();
  numbers.clear();
  for (const server of servers) numbers.set(server.name, server.number);
  if ([...numbers].join() !== before) numbersChanged();
}

/** The Play button works as soon as somebody says where one can play. */
function offer(status) {
  if (!status.play || play) return;
  play = import("./play.js").then(({ offerPlay }) => offerPlay(status.play, world));
  play.catch(() => { by("play-note").textContent = "Playing is not possible here"; });
}

follow("api/v1/events?with=world", {
  status: show,
  world: (seen) => world.heard(seen),
  silent: () => fleet.become("lost"),
});

const numbersChanged = recall(numbers);

const here = new URL(".", location.href).href;
by("code-widget").textContent = `<script src="${here}widget.js" async></script>\n<clientmigration-status router="${here}"></clientmigration-status>`;
by("code-badge").textContent = `<img src="${here}badge.svg" alt="Status of the fleet">`;
by("code-events").textContent = `new EventSource("${here}api/v1/events")\n  .addEventListener("status", (event) => console.log(JSON.parse(event.data)));`;
setInterval(() => { if (!document.hidden) by("badge").src = `badge.svg?${Math.floor(Date.now() / 30000)}`; }, 30000);
