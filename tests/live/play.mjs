/*
 * The JavaScript player under node, for tests: plays at the router that it is told, walks, and says
 * what happens as lines of JSON. A line on its input is an order.
 */

import { createInterface } from "node:readline";

import { Player } from "../../services/clientmigration/status/static/clientmigration/index.js";
import * as meadow from "../../services/clientmigration/status/static/clientmigration/meadow.js";

const { LOGIN: login } = process.env;
const player = new Player(process.argv[2], { login });
const ticks = [];
const tell = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);

player.on("view", ({ tick, body }) => {
  ticks.push(tick);
  const { coins, others } = meadow.look(body);
  if (ticks.length % 20 === 1) tell({ coins, sees: others.map((each) => each.player) });
});
player.on("state", (state) => tell({ state, member: player.member, name: player.name }));
player.on("move", (move) => tell({ move }));
player.on("lost", (lost) => tell({ lost }));

const orders = {
  counts: () => tell({ counts: player.counts, inOrder: ticks.every((tick, n) => tick === ticks[0] + n) }),
  fetch: async (name) => {
    const { size, sha256 } = await player.fetch(name);
    tell({ fetched: { name, size, sha256 } });
  },
  subscribe: (topic) => player.subscribe(topic, ({ seq, missed }) => tell({ entry: { seq, missed } })),
  stop: () => player.stop(),
};

let n = 0;
const walking = setInterval(() => player.act(meadow.move((n++ % 7) - 3, 1)), 50);
const reading = createInterface({ input: process.stdin });
reading.on("line", (line) => {
  const [order, ...rest] = line.split(" ");
  orders[order](...rest);
});
player.on("state", (state) => {
  if (state !== "ended") return;
  clearInterval(walking);
  reading.close();
  process.stdin.destroy();
});
player.start();
