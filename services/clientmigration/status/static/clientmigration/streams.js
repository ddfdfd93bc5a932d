/*
 * What a player downloads and subscribes to: asked for once, complete across moves and crashes.
 *
 * Asks and acknowledgements are inputs, so they reach whichever server plays us. Each byte of a file
 * and each entry of a topic is handed on once, in order, whichever connection brought it.
 */

import { Sha256 } from "./digest.js";
import { BadInput, Corrupted, NotOffered, PlayerStopped } from "./errors.js";
import * as work from "./work.js";

const [FILES, FEEDS] = [4, 8]; // at a time: what a server allows; what is asked beyond it waits
const GOT_EVERY_S = 0.03; // acknowledgements are inputs, and inputs are limited
const AGAIN_S = 5; // a file of which nothing has come for so long is asked for again
const [LAZY_S, LAZY] = [1, 16]; // a topic is acknowledged this often, or after so many entries
const STRANGE = 64; // streams of a former program that are stopped; more are only ignored

const NAME_LIMIT = 200; // bytes of a name in UTF-8: a server would not read more

const about = (name, reason) => `${JSON.stringify(name)}: ${reason}`;
const stopped = (name) => new PlayerStopped(about(name, "the player has stopped"));

/** Refuse a name that a server would not read. */
function check(name) {
  if (new TextEncoder().encode(name).length <= NAME_LIMIT) return;
  throw new BadInput(about(`${name.slice(0, 20)}…`, `a name has at most ${NAME_LIMIT} bytes`));
}

/** One file as it comes in: each byte handed on once. */
class Download {
  parts = [];
  have = 0;
  got = 0;
  movedAt = 0;
  size = null;
  sha256 = "";
  #digest;

  constructor(name, { sink, have = 0, digest = new Sha256() }, resolve, reject) {
    Object.assign(this, { name, resolve, reject, sink: sink ?? ((part) => this.parts.push(part)) });
    this.have = this.got = have;
    this.#digest = digest;
  }

  offered(size, sha256) {
    const other = this.size !== null && (size !== this.size || sha256 !== this.sha256);
    if (other) throw new Corrupted(about(this.name, "it is another file now"));
    this.size = size;
    this.sha256 = sha256;
  }

  take(offset, body) {
    if (offset > this.have) throw new Corrupted(about(this.name, `${offset - this.have} bytes are missing`));
    const fresh = body.subarray(this.have - offset);
    if (!fresh.length) return;
    this.have += fresh.length;
    this.#digest.update(fresh);
    this.sink(fresh.slice());
  }

  /** What was fetched, or null while something is missing. */
  done() {
    if (this.size === null || this.have < this.size) return null;
    if (this.have > this.size || this.#digest.hex() !== this.sha256) {
      throw new Corrupted(about(this.name, "it does not have the SHA-256 that was offered"));
    }
    const { name, size, sha256 } = this;
    return { name, size, sha256, body: joined(this.parts) };
  }
}

function joined(parts) {
  const body = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    body.set(part, at);
    at += part.length;
  }
  return body;
}

/** All streams of one player. `act` sends an input; `now` is a steady clock, seconds. */
export class Streams {
  files = new Map();
  topics = new Map();
  tick = 0;
  #waiting = new Map();
  #strange = new Set();
  #gotAt = 0;
  #lazyAt = 0;
  #over = false;

  constructor(act, now) {
    this.act = act;
    this.now = now;
    // Numbers that no former program of this player has used: what it left is stopped.
    this.first = this.next = crypto.getRandomValues(new Uint32Array(1))[0] >>> 1;
  }

  // For the program.

  /** Download a file: see `Player.fetch` for what is answered, and how it may fail. */
  fetch(name, { signal, ...how } = {}) {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      check(name);
      if (this.#over) throw stopped(name);
      const id = this.next++;
      signal?.addEventListener("abort", () => {
        this.#forget(id);
        reject(signal.reason);
      });
      this.#waiting.set(id, new Download(name, how, resolve, reject));
      this.#begin();
    });
  }

  /** Follow a topic from now on; answers its subscription. */
  subscribe(topic, onEntry, onDenied) {
    check(topic);
    const id = this.next++;
    const subscription = { topic, denied: "", stop: () => this.#forget(id) };
    this.#waiting.set(id, { subscription, onEntry, onDenied, due: null, got: 0 });
    this.#begin();
    return subscription;
  }

  /** The player goes home: what is not complete will not be. */
  end() {
    const asked = [...this.files.values(), ...this.#waiting.values()];
    this.#over = true;
    this.files.clear();
    this.topics.clear();
    this.#waiting.clear();
    for (const each of asked) each.reject?.(stopped(each.name));
  }

  #begin() {
    if (!this.tick) return;
    for (const [id, each] of [...this.#waiting]) {
      const file = each instanceof Download;
      if (file ? this.files.size >= FILES : this.topics.size >= FEEDS) continue;
      this.#waiting.delete(id);
      (file ? this.files : this.topics).set(id, each);
      if (file) this.#ask(id, each);
      else this.act(work.follow(id, this.tick, each.subscription.topic));
    }
  }

  #ask(id, file) {
    file.movedAt = this.now();
    file.got = file.have;
    this.act(work.fetch(id, file.have, file.name));
  }

  #forget(id) {
    this.#waiting.delete(id);
    const asked = this.files.delete(id) || this.topics.delete(id);
    if (asked) this.act(work.stop(id));
    this.#begin();
  }

  // What the servers say.

  /** Something about a stream. What was left behind by a former program is stopped. */
  heard(message) {
    const { id } = message;
    const known = id >= this.first && id < this.next;
    if (!known && !this.#strange.has(id) && this.#strange.size < STRANGE) {
      this.#strange.add(id);
      this.act(work.stop(id));
    }
    const [file, topic] = [this.files.get(id), this.topics.get(id)];
    if (file) this.#filed(id, file, message);
    else if (topic && message.t === "item") this.#item(topic, message);
    else if (topic && message.t === "denied") this.#denied(id, topic, message.reason);
  }

  #filed(id, file, message) {
    try {
      if (message.t === "denied") throw new NotOffered(about(file.name, message.reason));
      if (message.t === "offered") file.offered(message.size, message.sha256);
      else file.take(message.offset, message.body);
      file.movedAt = this.now();
      const fetched = file.done();
      if (fetched) {
        this.#forget(id);
        file.resolve(fetched);
      } else {
        this.#tell(this.now());
      }
    } catch (error) {
      this.#forget(id);
      file.reject(error);
    }
  }

  #denied(id, topic, reason) {
    topic.subscription.denied = reason;
    this.#forget(id);
    topic.onDenied?.(reason);
  }

  #item(topic, { seq, body }) {
    if (topic.due !== null && seq < topic.due) return;
    const missed = topic.due === null ? 0 : seq - topic.due;
    topic.due = seq + 1;
    topic.onEntry({ seq, body: body.slice(), missed });
  }

  /** A view of this tick was shown. */
  beat(tick) {
    this.tick = tick;
    if (this.#waiting.size) this.#begin();
    if (this.files.size || this.topics.size) this.#tell(this.now());
  }

  /** Say what we have, if it is time and there is something new. */
  #tell(now) {
    if (now - this.#gotAt < GOT_EVERY_S) return;
    const places = this.#places(this.files, (file) => file.have);
    if (places.length) this.#gotAt = now;
    const due = [...this.topics.values()].some(({ due, got }) => got && due - got >= LAZY);
    if (due || now - this.#lazyAt >= LAZY_S) {
      places.push(...this.#places(this.topics, (topic) => topic.due ?? 0));
      this.#lazyAt = now;
      for (const [id, file] of this.files) if (now - file.movedAt > AGAIN_S) this.#ask(id, file);
    }
    if (places.length) this.act(work.got(places));
  }

  #places(streams, of) {
    const news = [...streams].filter(([, each]) => of(each) > each.got);
    return news.map(([id, each]) => [id, (each.got = of(each))]);
  }
}
