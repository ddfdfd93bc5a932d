/* docs/behaviour.json: the JavaScript player does what its stories say. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { hashed } from "../../services/clientmigration/status/static/clientmigration/digest.js";

const SOURCE = "../../services/clientmigration/status/static/clientmigration/index.js";
const { Player } = await import(process.env.PLAYER ?? SOURCE); // perhaps what a bundler has made of it
const FILE = new URL("../../docs/behaviour.json", import.meta.url);
const { stories } = JSON.parse(readFileSync(FILE, "utf8"));
const STEP_S = 0.01; // a wait passes in steps of this
const WITHIN_MS = 1; // measured times may differ by so much
const COUNTS = ["missed", "lost", "doubled", "skipped", "acked", "sent", "moves", "rejoins"];

const hex = (bytes) => Buffer.from(bytes).toString("hex");
const bytes = (text) => new Uint8Array(Buffer.from(text, "hex"));

/** The other end of one connection: `said` since it was asked last. */
class End {
  said = [];
  readyState = 0;
  gaveUp = false;
  over = false;
  joined = false;

  constructor(name, address) {
    Object.assign(this, { name, address });
  }

  send(message) {
    const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
    const told =
      message[0] === 0
        ? JSON.parse(Buffer.from(message.subarray(1)).toString())
        : { input: view.getUint32(1, true), body: hex(message.subarray(5)) };
    this.joined ||= told.t === "join";
    if ((told.t === "ping" && this.joined) || (told.t === "goodbye" && this.over)) return;
    this.over ||= told.t === "goodbye";
    this.said.push(told);
  }

  close() {
    this.gaveUp ||= this.readyState === 0 && !this.over;
    this.over = true;
    this.readyState = 3;
  }

  hear(kind, body) {
    const message = Uint8Array.from([kind, ...body]);
    this.onmessage({ data: message.buffer });
  }
}

/** One player, and what it does. */
class World {
  ends = [];
  dialled = [];
  shown = [];
  got = [];
  words = new Map();
  counts = Object.fromEntries(COUNTS.map((name) => [name, 0]));
  now = 1000;

  constructor({ token = "", group = "", login = "" }, timers) {
    this.timers = timers;
    const world = this;
    class Socket extends End {
      constructor(url) {
        const { hostname, port } = new URL(url);
        const address = `${hostname}:${port}`;
        const number = 1 + world.ends.filter((each) => each.address === address).length;
        super(number > 1 ? `${hostname} ${number}` : hostname, address);
        world.ends.push(this);
        world.dialled.push(address);
      }
    }
    let kept = token;
    const store = { load: () => kept, save: (newest) => (kept = newest) };
    const now = () => this.now;
    const options = { WebSocket: Socket, store, now, group, ...(login && { login }) };
    this.player = new Player("ws://router:4100", options);
    this.player.on("view", ({ tick }) => this.shown.push(tick));
  }

  end(name) {
    return this.ends.find((each) => each.name === name);
  }

  id(word) {
    return Buffer.from(this.words.get(word), "hex").readUInt32LE();
  }

  do(step) {
    const { player } = this;
    const end = this.end(step.opens ?? step.hears ?? step.breaks);
    if (step.start) player.start();
    else if (step.stop) player.stop();
    else if (step.act) player.act(bytes(step.act));
    else if (step.wait) this.pass(step.wait);
    else if (step.fetch) {
      player.fetch(step.fetch).then(
        ({ name, body }) => this.got.push({ file: name, body: hex(body) }),
        () => this.got.push({ failed: step.fetch }),
      );
    } else if (step.follow) {
      const topic = step.follow;
      player.subscribe(topic, ({ seq, body, missed }) =>
        this.got.push({ topic, seq, missed, body: hex(body) }),
      );
    } else if (step.opens) {
      end.readyState = 1;
      end.onopen();
      const role = step.opens.startsWith("router") ? "router" : "gameserver";
      this.say(end, { t: "greeting", protocol: "clientmigration", version: 1, role });
    } else if (step.breaks) {
      end.over = true;
      end.readyState = 3;
      end.onclose({ code: 1006 });
    } else this.hears(end, step);
  }

  say(end, message) {
    end.hear(0, Buffer.from(JSON.stringify(message)));
  }

  hears(end, { message, view, chunk, item }) {
    if (message) {
      end.over ||= message.t === "goodbye";
      const id = "id" in message ? { id: this.id(message.id) } : {};
      this.say(end, { ...message, ...id });
    } else if (view) {
      const body = Buffer.alloc(20);
      body.writeBigUInt64LE(BigInt(view.tick));
      ["last", "applied", "digest"].forEach((name, n) => body.writeUInt32LE(view[name], 8 + 4 * n));
      end.hear(2, [...body, ...bytes(view.body)]);
    } else {
      const part = chunk ?? item;
      const head = Buffer.alloc(12);
      head.writeUInt32LE(this.id(part.id));
      head.writeBigUInt64LE(BigInt(part.offset ?? part.seq), 4);
      end.hear(chunk ? 3 : 4, [...head, ...bytes(part.body)]);
    }
  }

  pass(seconds) {
    for (let n = Math.round(seconds / STEP_S); n > 0; n--) {
      this.now += STEP_S;
      this.timers.tick(STEP_S * 1000);
    }
  }

  /** What has come of it since this was asked last. */
  took() {
    const then = {};
    if (this.dialled.length) then.dials = this.dialled.splice(0);
    const said = this.ends.filter((end) => end.said.length);
    if (said.length) {
      const worded = (end) => end.said.splice(0).map((each) => this.worded(each));
      then.says = Object.fromEntries(said.map((end) => [end.name, worded(end)]));
    }
    const gaveUp = this.ends.filter((end) => end.gaveUp);
    if (gaveUp.length) then["gives up"] = gaveUp.map((end) => end.name);
    for (const end of gaveUp) end.gaveUp = false;
    if (this.shown.length) then.shows = this.shown.splice(0);
    if (this.got.length) then.gets = this.got.splice(0);
    then.state = this.player.state;
    const counts = Object.fromEntries(COUNTS.map((name) => [name, this.player.counts[name]]));
    const news = COUNTS.filter((name) => counts[name] !== this.counts[name]);
    if (news.length) then.counts = Object.fromEntries(news.map((name) => [name, counts[name]]));
    this.counts = counts;
    return then;
  }

  worded(told) {
    if ("input" in told) return { ...told, body: this.streams(told.body) };
    if (told.t === "hello") {
      this.holder = told.holder;
      return { ...told, holder: "*" };
    }
    if (told.t === "join") {
      assert.equal(hashed(told.secret), this.holder);
      return { ...told, secret: "*" };
    }
    return told;
  }

  streams(body) {
    const id = body.slice(2, 10);
    if (/^8[12]/.test(body) && ![...this.words.values()].includes(id)) {
      this.words.set("abcdefgh"[this.words.size], id);
    }
    if (!/^8[1-4]/.test(body)) return body;
    return [...this.words].reduce((text, [word, digits]) => text.replaceAll(digits, `<${word}>`), body);
  }
}

/** The same, but measured times may differ a little, and defaults may be left out. */
function alike(got, wanted, at) {
  if (typeof wanted === "number" && typeof got === "number" && !Number.isInteger(wanted)) {
    assert.ok(Math.abs(got - wanted) <= WITHIN_MS, `${at}: ${got}, and not ${wanted}`);
  } else if (wanted !== null && typeof wanted === "object") {
    assert.ok(got !== null && typeof got === "object", `${at}: ${got}`);
    const known = Object.keys(wanted).filter((key) => key in got || wanted[key] !== "");
    assert.deepEqual(Object.keys(got).sort(), known.sort(), at);
    for (const key of known) alike(got[key], wanted[key], `${at}.${key}`);
  } else if (typeof wanted === "number" && /(_ms|gs-\d)$/.test(at)) {
    assert.ok(Math.abs(got - wanted) <= WITHIN_MS, `${at}: ${got}, and not ${wanted}`);
  } else {
    assert.equal(got, wanted, at);
  }
}

for (const { shows, options, steps } of stories) {
  test(shows, async (t) => {
    t.mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
    const world = new World(options, t.mock.timers);
    for (const [n, step] of steps.entries()) {
      world.do(step.do);
      for (let turn = 0; turn < 5; turn++) await null; // promises
      alike(world.took(), step.then, `step ${n} ${JSON.stringify(step.do)}`);
    }
  });
}
