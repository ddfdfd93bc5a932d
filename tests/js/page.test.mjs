/* The homepage's own arithmetic: places between two facts, marks, lines of charts, ways to walk. */

import assert from "node:assert/strict";
import test from "node:test";

const page = (name) => import(`../../services/clientmigration/status/static/${name}`);
const { Places, unpack } = await page("places.js");
const { give, kind } = await page("marks.js");
const { above, line } = await page("charts.js");
const { doorOf, heading } = await page("play.js");

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

test("eight servers look different, keep their look, and hand it on when they go", () => {
  const numbers = [175, 200, 156, 7, 8, 9, 10, 11];
  give(numbers);
  assert.equal(new Set(numbers.map(kind)).size, 8);
  const kept = kind(200);
  give([200, 156, 99]);
  assert.equal(kind(200), kept);
  assert.equal(new Set([200, 156, 99].map(kind)).size, 3);
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
