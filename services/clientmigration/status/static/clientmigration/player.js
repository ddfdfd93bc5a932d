/*
 * A player that any program can use: connect by URL, send inputs, get views, be moved, come back.
 *
 * It is one and the same player across moves, crashes and restarts. Views come in order, each tick
 * once; inputs are applied exactly once.
 */

import { kept } from "./store.js";
import { Way } from "./way.js";
import { INPUT_LIMIT } from "./wire.js";
import * as work from "./work.js";

const PORT = 4100;
const VIEWS = 64; // views kept for a loop that reads them slowly; older ones are dropped

/** A player of the router at `router`: `ws://host:port`, `wss://…`, or `clientmigration://host`. */
export class Player {
  #way;
  #listeners = new Map();
  #move = null;

  constructor(router, options = {}) {
    const door = doorOf(router);
    const WebSocket = options.WebSocket ?? globalThis.WebSocket;
    if (WebSocket === undefined) throw new TypeError("no WebSocket here: hand one in as an option");
    const tell = (event, value) => this.#tell(event, value);
    const url = options.url ?? ((address) => urlOf(door, address));
    const store = options.store ?? kept(door.href);
    const group = options.group ?? "";
    const now = options.now ?? (() => performance.now() / 1000);
    this.#way = new Way({ router: door.href, url, WebSocket, store, group, now, tell });
  }

  /** Begin to play, and keep playing whatever happens. */
  start() {
    this.#way.start();
    return this;
  }

  /** Go home. The player is kept; for another start make another `Player`. */
  stop() {
    this.#way.stop();
  }

  /** Send one input; answers its number. */
  act(body) {
    if (!(body instanceof Uint8Array) || body.length > INPUT_LIMIT) {
      throw new RangeError(`an input is a Uint8Array of at most ${INPUT_LIMIT} bytes`);
    }
    return this.#way.act(body.slice());
  }

  /** Call `listener(value)` at each `event`, until what this answers is called. */
  on(event, listener) {
    const those = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, those.add(listener));
    return () => those.delete(listener);
  }

  #tell(event, value) {
    if (event === "move") this.#move = value;
    for (const listener of [...(this.#listeners.get(event) ?? [])]) listener(value);
  }

  /** Every view from now on, in order, until the player stops. */
  async *views() {
    const views = [];
    let wake = () => {};
    const woken = (happened) => {
      happened();
      wake();
    };
    const offs = [
      this.on("view", (view) => woken(() => views.push(view) > VIEWS && views.shift())),
      this.on("state", () => woken(() => {})),
    ];
    try {
      while (true) {
        while (views.length) yield views.shift();
        if (this.state === "ended") return;
        await new Promise((resolve) => (wake = resolve));
      }
    } finally {
      for (const off of offs) off();
    }
  }

  /** Ask the server to spend so much of its CPU for us in each tick; 0 ends it. */
  burn(us) {
    return this.#way.act(work.burn(us));
  }

  /** Download a file, checked by its SHA-256; the file "" is the catalogue (JSON). */
  fetch(name, options) {
    return this.#way.streams.fetch(name, options);
  }

  /** Follow a topic from now on; call what this answers to stop. */
  follow(topic, onItem, onDenied) {
    return this.#way.streams.follow(topic, onItem, onDenied);
  }

  /** idle, seeking, waiting, joining, playing, crossing, landing or ended. */
  get state() {
    return this.#way.journey.state;
  }

  /** The player's name: 16 hex digits, "" until the router has told it. */
  get name() {
    return this.#way.name;
  }

  /** What proves who the player is. Keep it like a password. */
  get token() {
    return this.#way.token;
  }

  /** The server that plays us, "" while there is none. */
  get member() {
    const { home } = this.#way;
    return home?.viewed ? home.member : "";
  }

  /** The place in the line while everything is full, else 0. */
  get position() {
    return this.#way.position;
  }

  /** Seconds until it is our turn, if it goes on as lately; null: nobody knows. */
  get estimateS() {
    return this.#way.estimateS;
  }

  /** What this player has counted for itself. */
  get counts() {
    const { tally, moves, rejoins, home } = this.#way;
    const { views, missed, lost, doubled, acked, seq, lastTick, longestGapS } = tally;
    const rtt = home?.rtts.at(-1);
    const rttMs = rtt === undefined ? null : rtt * 1000;
    const longestGapMs = longestGapS * 1000;
    const counts = { views, missed, lost, doubled, acked, sent: seq, tick: lastTick, longestGapMs };
    return { ...counts, moves, rejoins, rttMs, lastMove: this.#move };
  }
}

function doorOf(router) {
  const [, scheme, rest] = /^(ws|wss|http|https|clientmigration):\/\/(.+)$/.exec(router) ?? [];
  if (scheme === undefined) throw new TypeError(`${router} is not ws://host:port`);
  const door = new URL(`${{ wss: "wss", https: "wss" }[scheme] ?? "ws"}://${rest}`);
  if (scheme === "clientmigration" && !door.port) door.port = String(PORT);
  door.hash = "";
  return door;
}

/** A server's address, host:port, as a URL. An IPv6 address has colons of its own. */
function urlOf(door, address) {
  const at = address.lastIndexOf(":");
  const [host, port] = [address.slice(0, at), address.slice(at + 1)];
  const bracketed = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
  return `${door.protocol}//${bracketed}:${port}/`;
}
