/* The homepage's own arithmetic: places between two facts, grounds, marks, charts, ways to walk. */

import assert from "node:assert/strict";
import test from "node:test";

const page = (name) => import(`../../services/clientmigration/status/static/${name}`);
const { Places, unpack } = await page("places.js");
const { Territories } = await page("territories.js");
const { give, shape, tint } = await page("marks.js");
const { above, line } = await page("charts.js");
const { below, split } = await page("fleet.js");
const { doorOf } = await page("play.js");
const { heading } = await import("../../services/clientmigration/games/meadow/page/walk.js");

/** A world event with these players: [id, server, x, y] in metres. */
function world(...players) {
  const bytes = new DataView(new ArrayBuffer(8 * players.length));
  players.forEach(([id, server, x, y], n) => {
    bytes.setUint32(8 * n, ((id << 8) | server) >>> 0, true);
    bytes.setUint16(8 * n + 4, Math.round((x / 1000) * 65535), true);
    bytes.setUint16(8 * n + 6, Math.round((y / 1000) * 65535), true);
  });
  return { size: 1000, cell: 50, players: Buffer.from(bytes.buffer).toString("base64") };
}

const near = (one, other) => assert.ok(Math.abs(one - other) < 0.02, `${one} is not ${other}`);

test("a world is unpacked to within centimetres, up to the largest numbers", () => {
  const [first, last] = unpack(world([1, 3, 12.5, 999], [0xffffff, 255, 0, 1000]));
  assert.deepEqual([first.id, first.server, last.id, last.server], [1, 3, 0xffffff, 255]);
  near(first.x, 12.5);
  near(last.y, 1000);
});

test("a player walks from one fact to the next and waits there", () => {
  const places = new Places();
  places.heard(world([1, 1, 100, 100]), 1000);
  places.heard(world([1, 1, 110, 100]), 2000);
  near(places.of(1, 2000)[0], 100);
  near(places.of(1, 2500)[0], 105);
  near(places.of(1, 9000)[0], 110);
  places.each(2500, true, (x) => near(x, 110));
});

test("a late fact does not make anybody jump back", () => {
  const places = new Places();
  places.heard(world([1, 1, 100, 0]), 1000);
  places.heard(world([1, 1, 110, 0]), 2000);
  const before = places.of(1, 2400)[0];
  places.heard(world([1, 1, 120, 0]), 2400);
  near(places.of(1, 2400)[0], before);
});

test("who changes servers is told once, newcomers and leavers are not", () => {
  const places = new Places();
  assert.deepEqual(places.heard(world([1, 1, 5, 5], [2, 1, 5, 5]), 0), []);
  const moved = places.heard(world([1, 2, 5, 5], [3, 1, 5, 5]), 1000);
  assert.deepEqual(moved.map(({ id, from, to }) => [id, from, to]), [[1, 1, 2]]);
  assert.deepEqual(places.heard(world([1, 2, 5, 5]), 2000), []);
  assert.equal(places.of(2, 2000), null);
});

test("crowds are cells with more than so many", () => {
  const places = new Places();
  places.heard(world(...Array.from({ length: 5 }, (_, n) => [n, 1, 60, 110]), [9, 1, 10, 10]), 0);
  assert.deepEqual(places.crowded(4), [{ x: 75, y: 125, count: 5 }]);
  assert.deepEqual(places.crowded(5), []);
});

/** The grounds, by server, once borders have come so far. */
function grounds(players, territories = new Territories(), part = 1) {
  territories.heard(players.map(([server, x, y]) => ({ server, x, y })), 1000, 50);
  territories.ease(part);
  return new Map(territories.grounds().map((ground) => [ground.server, ground]));
}

/** So many players on points of a grid between two corners. */
function filled(server, left, below, right, above, step = 20) {
  const found = [];
  for (let x = left; x <= right; x += step) for (let y = below; y <= above; y += step) found.push([server, x, y]);
  return found;
}

const across = ({ loops }) => loops.flat().map(([x]) => x);
const beside = (one, other, within) => assert.ok(Math.abs(one - other) < within, `${one} is not about ${other}`);

test("who is alone has a round ground about 70 metres wide to each side", () => {
  const { loops, x, y } = grounds([[3, 500, 500]]).get(3);
  assert.equal(loops.length, 1);
  for (const [px, py] of loops[0]) beside(Math.hypot(px - 500, py - 500), 70, 8);
  beside(x, 500, 8);
  beside(y, 500, 8);
});

test("a border lies between those of one server and those of the other, and nobody's ground overlaps", () => {
  const found = grounds([...filled(1, 200, 400, 490, 600), ...filled(2, 510, 400, 800, 600)]);
  beside(Math.max(...across(found.get(1))), 500, 12);
  beside(Math.min(...across(found.get(2))), 500, 12);
  assert.ok(Math.max(...across(found.get(1))) <= Math.min(...across(found.get(2))) + 1);
});

test("where three servers play all over each other the ground is nobody's", () => {
  const mixed = [1, 2, 3].flatMap((server) => filled(server, 300 + server, 300, 600, 600));
  assert.equal(grounds(mixed).size, 0);
});

test("one stranger among many makes no hole in their ground", () => {
  assert.equal(grounds([...filled(1, 300, 300, 600, 600), [2, 450, 450]]).get(1).loops.length, 1);
});

test("a crowd of several servers has borders within itself too", () => {
  const found = grounds([1, 2, 3].flatMap((server) => filled(server, 380 + 40 * server, 400, 410 + 40 * server, 520, 6)));
  beside(Math.max(...across(found.get(1))), 455, 14);
  beside(Math.max(...across(found.get(2))), 495, 14);
});

test("a border moves on by and by when the crowd moves", () => {
  const territories = new Territories();
  const right = (players, part) => Math.max(...across(grounds(players, territories, part).get(1)));
  const [here, there] = [filled(1, 200, 400, 300, 500), filled(1, 240, 400, 340, 500)];
  const first = right(here, 1);
  const between = right(there, 0.5);
  const last = right(there, 1);
  assert.ok(first + 5 < between && between + 5 < last, `${first} ${between} ${last}`);
  beside(last - first, 40, 15);
});

test("what is too small to be seen is neither ground nor a hole in it", () => {
  const hole = filled(1, 300, 300, 600, 600, 30).filter(([, x, y]) => Math.hypot(x - 450, y - 450) > 88);
  assert.equal(grounds(hole).get(1).loops.length, 1);
  const wide = filled(1, 300, 300, 600, 600, 30).filter(([, x, y]) => Math.hypot(x - 450, y - 450) > 110);
  assert.equal(grounds(wide).get(1).loops.length, 2);
});

test("ground goes with the last of its players, and what was heard later is what counts", () => {
  const territories = new Territories();
  grounds(filled(1, 200, 400, 300, 500), territories);
  assert.equal(grounds([], territories).size, 0);
  grounds([], territories);
  assert.equal(territories.fields.size, 0);
});

test("ground at the edge of the world is closed outside of it", () => {
  const { loops } = grounds(filled(1, 0, 0, 100, 1000)).get(1);
  assert.equal(loops.length, 1);
  assert.ok(Math.min(...loops[0].map(([x]) => x)) < 0);
  assert.ok(Math.max(...loops[0].map(([, y]) => y)) > 1000);
});

test("a name stands in the widest ground, and within it even if that is bent", () => {
  const bent = [...filled(1, 200, 200, 800, 240), ...filled(1, 200, 200, 240, 800), [1, 900, 900]];
  const { x, y } = grounds([...bent, ...filled(2, 320, 320, 800, 800)]).get(1);
  assert.ok(x < 300 || y < 300, `${x}, ${y}`);
});

test("servers look different, keep their look, and hand it on when they go", () => {
  const numbers = [175, 200, 156, 7, 8, 9, 10, 11, 12, 13, 14, 15];
  const looks = (those) => new Set(those.map((number) => `${tint(number)} ${shape(number)}`)).size;
  give(numbers);
  assert.equal(looks(numbers), 12);
  assert.equal(new Set(numbers.slice(0, 8).map(tint)).size, 8);
  assert.equal(new Set(numbers.slice(0, 8).map(shape)).size, 8);
  const kept = tint(200);
  give([200, 156, 99]);
  assert.equal(tint(200), kept);
  assert.equal(tint(99), 0);
  assert.equal(looks([200, 156, 99]), 3);
});

test("how much is split is a share, and nothing where nobody sees anybody", () => {
  assert.equal(split({ pairs: 200, pairs_split: 25 }), "13%");
  assert.equal(split({ pairs: 0, pairs_split: 0 }), "–");
  assert.equal(split({}), "–"); // a status daemon of before
});

test("a line breaks where nothing is known", () => {
  assert.equal(line([0, 1, null, 1], 1), "M0.0 100.0L100.0 0.0M300.0 0.0");
  assert.equal(line([null], 1), "");
});

test("a scale is round and above", () => {
  for (const value of [0.3, 1, 7.2, 99, 101, 4000]) assert.ok(above(value) >= value && above(value) <= 2 * value);
});

test("keys together walk no faster than one", () => {
  assert.deepEqual(heading(new Set()), [0, 0]);
  assert.deepEqual(heading(new Set(["ArrowUp"])), [0, 1]);
  assert.deepEqual(heading(new Set(["KeyA", "KeyD"])), [0, 0]);
  near(Math.hypot(...heading(new Set(["KeyW", "KeyD"]))), 1);
});

test("a port is one of the host that served the page", () => {
  const here = { protocol: "https:", hostname: "play.example" };
  assert.equal(doorOf(":4100", here), "wss://play.example:4100");
  assert.equal(doorOf(":4100", { ...here, protocol: "http:" }), "ws://play.example:4100");
  assert.equal(doorOf("wss://other.example", here), "wss://other.example");
});

test("a tree of routers is shown branch by branch, and servers alone as they are", () => {
  const servers = [{ name: "gs-1", zone: "east" }, { name: "gs-2", zone: "west-1" }, { name: "gs-0" }];
  const zones = [{ name: "east", above: "", servers: 1 }, { name: "west", above: "", servers: 1 }, { name: "west-1", above: "west", servers: 1 }];
  const shown = [...below("", 0, servers, zones)].map(({ each, depth }) => `${depth} ${each.name}`);
  assert.deepEqual(shown, ["0 gs-0", "0 east", "1 gs-1", "0 west", "1 west-1", "2 gs-2"]);
  assert.deepEqual([...below("", 0, [{ name: "gs-1" }], [])].map(({ depth }) => depth), [0]);
});
