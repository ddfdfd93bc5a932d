/* Files and topics: whole, once, in order. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import test from "node:test";

import { BadInput, Corrupted, NotOffered, PlayerStopped, Sha256 } from "../../services/clientmigration/status/static/clientmigration/index.js";
import { Streams } from "../../services/clientmigration/status/static/clientmigration/streams.js";

const FILE = Uint8Array.from({ length: 3000 }, (_, n) => n & 0xff);
const SHA256 = createHash("sha256").update(FILE).digest("hex");

function made() {
  const acts = [];
  let now = 0;
  const streams = new Streams((body) => acts.push(Buffer.from(body)), () => now);
  streams.beat(100);
  const pass = (seconds) => (now += seconds);
  const asked = () => acts.filter((each) => [0x81, 0x82].includes(each[0]));
  return { streams, acts, pass, asked, id: () => asked().at(-1).readUInt32LE(1) };
}

const offered = (id, more) => ({ t: "offered", id, size: FILE.length, sha256: SHA256, ...more });
const chunk = (id, from, to) => ({ t: "chunk", id, offset: from, body: FILE.subarray(from, to) });

test("a file comes whole, whatever of it comes twice", async () => {
  const { streams, id } = made();
  const fetching = streams.fetch("map");
  streams.heard(offered(id()));
  for (const [from, to] of [[0, 1000], [500, 1500], [0, 1000], [1500, 3000]]) {
    streams.heard(chunk(id(), from, to));
  }
  const { name, size, sha256, body } = await fetching;
  assert.deepEqual([name, size, sha256], ["map", 3000, SHA256]);
  assert.deepEqual(body, FILE);
});

test("an empty file is complete at once", async () => {
  const { streams, id } = made();
  const fetching = streams.fetch("nothing");
  const sha256 = createHash("sha256").digest("hex");
  streams.heard({ t: "offered", id: id(), size: 0, sha256 });
  assert.equal((await fetching).size, 0);
});

test("a sink gets each byte once, and nothing is kept", async () => {
  const { streams, id } = made();
  const parts = [];
  const fetching = streams.fetch("map", { sink: (part) => parts.push(...part) });
  streams.heard(offered(id()));
  streams.heard(chunk(id(), 0, 2000));
  streams.heard(chunk(id(), 1000, 3000));
  assert.equal((await fetching).body.length, 0);
  assert.deepEqual(Uint8Array.from(parts), FILE);
});

for (const [what, spoil, fault = Corrupted] of [
  ["is another file at the next server", (id) => [offered(id), offered(id, { sha256: "0".repeat(64) })]],
  ["has a hole", (id) => [offered(id), chunk(id, 10, 20)]],
  ["is not what was offered", (id) => [offered(id, { sha256: "0".repeat(64) }), chunk(id, 0, 3000)]],
  ["is denied", (id) => [{ t: "denied", id, reason: "there is no such file here" }], NotOffered],
]) {
  test(`a file that ${what} is refused, and asked for no more`, async () => {
    const { streams, acts, id } = made();
    const fetching = streams.fetch("map");
    for (const message of spoil(id())) streams.heard(message);
    await assert.rejects(fetching, fault);
    assert.equal(acts.at(-1)[0], 0x84);
    assert.equal(streams.files.size, 0);
  });
}

test("what is here is acknowledged, but not too often", () => {
  const { streams, acts, pass, id } = made();
  void streams.fetch("map");
  streams.heard(offered(id()));
  pass(1);
  streams.heard(chunk(id(), 0, 512));
  streams.heard(chunk(id(), 512, 1024));
  const got = () => acts.filter((each) => each[0] === 0x83);
  assert.equal(got().length, 1);
  assert.equal(Number(got()[0].readBigUInt64LE(5)), 512);
  pass(0.05);
  streams.beat(101);
  assert.equal(Number(got()[1].readBigUInt64LE(5)), 1024);
});

test("a file of which nothing comes is asked for again, from where it is", () => {
  const { streams, pass, asked, id } = made();
  void streams.fetch("map");
  streams.heard(offered(id()));
  streams.heard(chunk(id(), 0, 512));
  pass(6);
  streams.beat(101);
  assert.equal(asked().length, 2);
  assert.equal(Number(asked()[1].readBigUInt64LE(5)), 512);
});

test("five files: the fifth is asked for when one is done", async () => {
  const { streams, asked } = made();
  const fetching = ["a", "b", "c", "d", "e"].map((name) => streams.fetch(name));
  assert.equal(asked().length, 4);
  streams.heard({ t: "denied", id: asked()[0].readUInt32LE(1), reason: "no" });
  await assert.rejects(fetching[0], NotOffered);
  assert.equal(asked().length, 5);
});

test("a fetch can be called off", async () => {
  const { streams, acts } = made();
  const calling = new AbortController();
  const fetching = streams.fetch("map", { signal: calling.signal });
  calling.abort(new Error("not wanted"));
  await assert.rejects(fetching, /not wanted/);
  assert.equal(acts.at(-1)[0], 0x84);
});

test("a topic is told once and in order, holes are named, and it ends", () => {
  const { streams, acts, id } = made();
  const entries = [];
  const subscription = streams.subscribe("clock", ({ seq, missed }) => entries.push([seq, missed]));
  for (const seq of [7, 8, 8, 7, 9, 12]) streams.heard({ t: "item", id: id(), seq, body: FILE });
  assert.deepEqual(entries, [[7, 0], [8, 0], [9, 0], [12, 2]]);
  subscription.stop();
  assert.equal(acts.at(-1)[0], 0x84);
  streams.heard({ t: "item", id: id(), seq: 13, body: FILE });
  assert.equal(entries.length, 4);
});

test("a topic that there is not says so", () => {
  const { streams, id } = made();
  const said = [];
  const subscription = streams.subscribe("weather", () => {}, (reason) => said.push(reason));
  streams.heard({ t: "denied", id: id(), reason: "there is no such topic here" });
  assert.deepEqual([...said, subscription.denied], Array(2).fill("there is no such topic here"));
});

test("what a former program left behind is stopped, once", () => {
  const { streams, acts } = made();
  const stray = { t: "chunk", id: (streams.first + 2 ** 31) % 2 ** 32, offset: 0, body: FILE };
  streams.heard(stray);
  streams.heard(stray);
  assert.deepEqual(acts.map((each) => each[0]), [0x84]);
});

test("when the player ends, so do its fetches", async () => {
  const { streams } = made();
  const fetching = streams.fetch("map");
  streams.end();
  await assert.rejects(fetching, /stopped/);
  await assert.rejects(fetching, PlayerStopped);
  await assert.rejects(streams.fetch("map"), PlayerStopped);
});

test("a file of which a part is here already goes on there", async () => {
  const { streams, asked, id } = made();
  const digest = new Sha256().update(FILE.subarray(0, 1000));
  const fetching = streams.fetch("map", { have: 1000, digest });
  assert.equal(Number(asked()[0].readBigUInt64LE(5)), 1000);
  streams.heard(offered(id()));
  streams.heard(chunk(id(), 1000, 3000));
  const { size, body } = await fetching;
  assert.deepEqual([size, body], [3000, FILE.subarray(1000)]);
});

test("a sink that fails fails its fetch, and nothing else", async () => {
  const { streams, id } = made();
  const sink = () => {
    throw new Error("the disk is full");
  };
  const fetching = streams.fetch("map", { sink });
  streams.heard(offered(id()));
  streams.heard(chunk(id(), 0, 512));
  await assert.rejects(fetching, /the disk is full/);
});

test("a name that a server would not read is refused where it is made", async () => {
  const { streams, acts } = made();
  await assert.rejects(streams.fetch("é".repeat(101)), BadInput);
  assert.throws(() => streams.subscribe("x".repeat(201), () => {}), BadInput);
  assert.deepEqual(acts, []);
  void streams.fetch("é".repeat(100));
  assert.equal(acts.length, 1);
});
