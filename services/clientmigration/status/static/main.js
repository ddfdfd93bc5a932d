// Puts the page together: the stream feeds the game's picture and the fleet. Which game it is the
// status says; what is that game's is in its page module. What is further down, and playing, is
// loaded when somebody comes there.

import { Fleet, many } from "./fleet.js";
import { colours, give, sprites, tint } from "./marks.js";
import { showNotices } from "./notices.js";
import { follow } from "./stream.js";
import { themes } from "./theme.js";
import { World } from "./world.js";

const by = (id) => document.getElementById(id);

const fleet = new Fleet();
const numbers = new Map();
let game = null; // the game's page module
let picture = null; // what draws the field: {theme, heard, showServers}, each may be missing
let places = null; // the latest world event
let play = null; // what starts and stops it, when it has been loaded
let offered = false;
let numbersChanged = () => {}; // draws the charts anew

themes(by("theme"), () => picture?.theme?.());

/** The game's page module, as soon as its name is known: it draws from then on. */
function meet(address) {
  if (game || !address) return;
  game = import(new URL(address, location.href).href).then((module) => {
    picture = module.picture(by("world"), by("map"), { World, colours, sprites, tint });
    by("play-note").textContent = module.words.how;
    by("world").setAttribute("aria-label", module.words.above);
    if (places) picture.heard?.(places);
    return module;
  });
  game.catch((error) => { by("play-note").textContent = "This game has no page"; console.error(error); });
}

let describedAt = -Infinity;
async function describe(status) {
  const playing = by("world").getAttribute("role") !== "img"; // then it says something else
  if (playing || performance.now() - describedAt < 10000 || !status.fleet || !picture) return;
  describedAt = performance.now();
  const { players, servers } = status.fleet;
  const { above } = (await game).words;
  by("world").setAttribute("aria-label", `${above}: ${many(players, "player")} on ${many(servers, "server")}.`);
}

function show(status) {
  give(status.servers.map((server) => server.number));
  fleet.show(status);
  meet(status.game?.page);
  picture?.showServers?.(status.servers);
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

/** What whoever plays has to know of the site. */
const seat = {
  servers: () => numbers.size,
  colour: (name) => (numbers.has(name) ? `var(--s${tint(numbers.get(name))})` : ""),
};

/** The Play button works as soon as somebody says where one can play. What that takes is loaded when
 * a visitor reaches for it. */
function offer(status) {
  if (!status.play || !game || offered) return;
  offered = true;
  const button = by("play");
  const load = async () => {
    const [{ offerPlay }, module] = await Promise.all([import("./play.js"), game]);
    await module.ready?.();
    return offerPlay(status.play, module, picture, seat);
  };
  const playing = () => (play ??= load().catch(() => {
    play = null; // perhaps at the next press
    by("play-note").textContent = "Playing is not possible here";
  }));
  for (const reached of ["pointerenter", "focus"]) button.addEventListener(reached, playing);
  button.addEventListener("click", async () => (await playing())?.());
  button.disabled = false;
}

/** Has `then` done once, when a part of the page comes into sight. */
function near(part, then) {
  new IntersectionObserver((seen, watch) => {
    if (!seen.some((each) => each.isIntersecting)) return;
    watch.disconnect();
    then();
  }).observe(part);
}

follow("api/v1/events?with=world", {
  status: show,
  world: (seen) => { places = seen; picture?.heard?.(seen); },
  silent: () => fleet.become("lost"),
});

near(document.querySelector(".history"), async () => {
  const { recall } = await import("./history.js");
  numbersChanged = recall(numbers);
});
near(document.querySelector(".embed"), () => document.body.append(Object.assign(document.createElement("script"), { src: "widget.js" })));

const here = new URL(".", location.href).href;
by("code-widget").textContent = `<script src="${here}widget.js" async></script>\n<clientmigration-status router="${here}"></clientmigration-status>`;
by("code-badge").textContent = `<img src="${here}badge.svg" alt="Status of the fleet">`;
by("code-events").textContent = `new EventSource("${here}api/v1/events")\n  .addEventListener("status", (event) => console.log(JSON.parse(event.data)));`;
setInterval(() => { if (!document.hidden) by("badge").src = `badge.svg?${Math.floor(Date.now() / 30000)}`; }, 30000);
