/* docs/vectors.json, as the JavaScript player reads and writes it. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { chained, hashed } from "../../services/clientmigration/status/static/clientmigration/digest.js";
import * as meadow from "../../services/clientmigration/status/static/clientmigration/meadow.js";
import { Decoder, greeting, input, say } from "../../services/clientmigration/status/static/clientmigration/wire.js";
import * as work from "../../services/clientmigration/status/static/clientmigration/work.js";

const VECTORS = JSON.parse(readFileSync(new URL("../../docs/vectors.json", import.meta.url), "utf8"));
const [BOB, TICK] = ["00000000000000ff", 34_000_000_000];
const bytes = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (digits) => parseInt(digits, 16));
const hex = (body) => Buffer.from(body).toString("hex");
const heard = { "router to player": "router", "server to player": "server" };
const said = new Set(["player to router", "player to server"]);

/** A stream of frames with lengths, as messages of a WebSocket. */
function* messages(stream) {
  for (let at = 0; at < stream.length; ) {
    const size = new DataView(stream.buffer, at).getUint32(0, true);
    yield { size, body: stream.subarray(at + 4, at + 4 + size) };
    at += 4 + size;
  }
}

/** What a message is in the vectors. */
function spelled({ t, ...fields }) {
  if (!("body" in fields)) return { t, ...fields };
  return { kind: t, ...fields, body: hex(fields.body) };
}

for (const { dialect, message, hex: frame } of VECTORS.frames) {
  if (dialect in heard) {
    test(`reads ${dialect}: ${JSON.stringify(message)}`, () => {
      const decoder = new Decoder(heard[dialect]);
      if (message.t !== "greeting") decoder.decode(greeting());
      const [{ body }] = messages(bytes(frame));
      const wanted = message.t === "welcome" ? { skipped: 0, ...message } : message;
      assert.deepEqual(spelled(decoder.decode(body)), wanted);
      assert.equal(decoder.over, message.t === "goodbye");
    });
  }
  if (said.has(dialect)) {
    test(`writes ${dialect}: ${JSON.stringify(message)}`, () => {
      const [{ body }] = messages(bytes(frame));
      if (message.kind === "input") {
        assert.equal(hex(input(message.seq, bytes(message.body))), hex(body));
        return;
      }
      const { t, ...fields } = message;
      const written = t === "greeting" ? greeting() : say(t, fields);
      assert.equal(written[0], 0);
      assert.deepEqual(JSON.parse(Buffer.from(written.subarray(1)).toString()), message);
    });
  }
}

for (const { name, dialect, hex: stream, code } of VECTORS.bad) {
  if (!(dialect in heard)) continue;
  test(`refuses ${name}`, () => {
    const decoder = new Decoder(heard[dialect]);
    const read = () => {
      for (const { size, body } of messages(bytes(stream))) {
        decoder.check(size);
        decoder.decode(body);
      }
    };
    assert.throws(read, { code });
  });
}

const INPUTS = {
  move: meadow.move(1, -0.5),
  pick: meadow.pick(),
  give: meadow.give(BOB),
  drop: meadow.drop(),
  "burn 40 us per tick": work.burn(40),
  "burn no more": work.burn(0),
  "fetch a file": work.fetch(7, 0, "map"),
  "fetch the catalogue": work.fetch(7, 0, ""),
  "follow a topic": work.follow(8, TICK, "clock"),
  got: work.got([[7, 65539], [8, 1_700_000_001]]),
  stop: work.stop(7),
};

for (const { name, hex: body } of VECTORS.inputs) {
  test(`writes the input: ${name}`, () => assert.equal(hex(INPUTS[name]), body));
}

test("chains the digests", () => {
  let digest = 0;
  for (const step of VECTORS.digests) {
    digest = chained(digest, step.seq, bytes(step.body));
    assert.equal(digest, step.digest);
  }
});

test("reads views of the meadow", () => {
  for (const { hex: body, decoded } of VECTORS.views) {
    assert.deepEqual(meadow.look(bytes(body)), decoded);
    const { others, ...own } = decoded;
    assert.deepEqual(meadow.own(bytes(body)), own);
  }
});

for (const { name, hex: body } of VECTORS.bad_views) {
  test(`refuses a view: ${name}`, () => {
    assert.throws(() => meadow.look(bytes(body)), { code: "malformed_frame" });
  });
}

test("makes the holder of a secret", () => {
  for (const { secret, holder } of VECTORS.holders) assert.equal(hashed(secret), holder);
});
