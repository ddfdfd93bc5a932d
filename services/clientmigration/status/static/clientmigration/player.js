/*
 * A player that any program can use: connect by URL, send inputs, get views, be moved, come back.
 *
 * It is one and the same player across moves, crashes and restarts. Views come in order, each tick
 * once; inputs are applied exactly once. The Python player has the same names and does the same: see
 * client/player.py.
 */

import { BadInput } from "./errors.js";
import { Listeners } from "./listeners.js";
import { here, kept } from "./store.js";
import { Traveller } from "./traveller.js";
import { INPUT_LIMIT } from "./wire.js";
import * as work from "./work.js";

const PORT = 4100;
const VIEWS = 64; // views kept for a loop that reads them slowly; older ones are dropped
const BURN_LIMIT_US = 5000; // per tick

/** A player of the router at `router`: `ws://host:port`, `wss://…`, or `clientmigration://host`
 * (`clientmigrations://host`: encrypted). What is encrypted there stays so everywhere. Of equal
 * routers all are named, in an array or with commas between; all are of one scheme. */
export class Player {
  #traveller;
  #listeners = new Listeners();

  /** Throws TypeError when a URL is none, BadInput for a `group` of more than 64 characters, or a
   * `login` of more than 2,560. */
  constructor(router, options = {}) {
    const doors = doorsOf(router);
    const [door] = doors;
    const routers = doors.map((each) => each.href);
    const WebSocket = options.WebSocket ?? globalThis.WebSocket;
    if (WebSocket === undefined) throw new TypeError("no WebSocket here: hand one in as an option");
    const urlOf = options.url ?? ((address) => addressed(door, address));
    const now = options.now ?? (() => performance.now() / 1000);
    const { group = "", login = "" } = options;
    // Who logs in is whom its login says, and not whom this browser knew before.
    const store = login ? here() : (options.store ?? kept(routers.join()));
    const passport = { routers, secret: secret(), group, login, store };
    this.#traveller = new Traveller({ WebSocket, urlOf, now }, passport, this.#listeners);
  }

  /** Begin to play, and keep playing whatever happens. Answers the player itself. */
  start() {
    this.#traveller.start();
    return this;
  }

  /** Go home. The player is kept: to come back, make another `Player` with its token. */
  stop() {
    this.#traveller.stop();
  }

  /** Send one input, and answer its number. Before there is a server it waits. Throws BadInput when
   * it is not a Uint8Array, or of more than 256 bytes. */
  act(body) {
    if (!(body instanceof Uint8Array) || body.length > INPUT_LIMIT) {
      throw new BadInput(`an input is a Uint8Array of at most ${INPUT_LIMIT} bytes`);
    }
    return this.#traveller.act(body.slice());
  }

  /** Have the server spend so many microseconds of its CPU in each tick; 0 ends it. Answers the
   * number of the input. Throws BadInput when it is not a whole number from 0 to 5,000. */
  burn(us) {
    if (!Number.isInteger(us) || us < 0 || us > BURN_LIMIT_US) {
      throw new BadInput(`a burn is 0 to ${BURN_LIMIT_US} microseconds`);
    }
    return this.#traveller.act(work.burn(us));
  }

  /** Call `listener(value)` at each `event`, until what this answers is called. The events: `view`,
   * `state`, `move`, `lost`, `position`, `identity`; see README.md. */
  on(event, listener) {
    return this.#listeners.on(event, listener);
  }

  /** Every view from now on, in order, until the player stops. For a loop that is slow, old ones are
   * dropped: 64 are kept. */
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

  /** Download a file, checked by its SHA-256; the file "" is the catalogue (JSON). With a `sink` each
   * part is handed to it, in order, and nothing is kept. A file of which `have` bytes are here
   * already goes on there; `digest` is then a `Sha256` of those. Rejects with BadInput (a name of
   * more than 200 bytes), NotOffered, Corrupted or PlayerStopped, with what the sink threw, or with
   * the reason of `signal`, which stops it. */
  fetch(name, options) {
    return this.#traveller.streams.fetch(name, options);
  }

  /** Follow a topic from now on: `onEntry({ seq, body, missed })` gets each entry once, in order,
   * until `stop()` of what this answers is called; `onDenied(reason)` is told why nothing comes.
   * Throws BadInput when the name has more than 200 bytes. */
  subscribe(topic, onEntry, onDenied) {
    return this.#traveller.streams.subscribe(topic, onEntry, onDenied);
  }

  /** idle, seeking, waiting, joining, playing, crossing, landing or ended. `crossing` is a move under
   * way: play goes on. */
  get state() {
    return this.#traveller.journey.state;
  }

  /** Why it stopped by itself, "" if it did not: another program plays this player now, what answers
   * is no router, it was kicked or banned, or may not play as it says that it is. */
  get ended() {
    return this.#traveller.ended;
  }

  /** The player's name: 16 hex digits, "" until the router has told it. */
  get name() {
    return this.#traveller.entrance.name;
  }

  /** What proves who the player is. Keep it like a password. */
  get token() {
    return this.#traveller.entrance.token;
  }

  /** The server that plays us, "" while there is none. */
  get member() {
    const { home } = this.#traveller;
    return home?.viewed ? home.member : "";
  }

  /** The place in line while all servers are full, else 0. */
  get position() {
    return this.#traveller.entrance.position;
  }

  /** Seconds until it is our turn in line, if it goes on as lately; null: nobody knows. */
  get estimateS() {
    return this.#traveller.entrance.estimateS;
  }

  /** How often it has been moved. */
  get moves() {
    return this.#traveller.moves;
  }

  /** How often it came back by way of the router. */
  get rejoins() {
    return this.#traveller.rejoins;
  }

  /** What this player has counted for itself so far. */
  get counts() {
    const { tally, home, lastMove } = this.#traveller;
    const { moves, rejoins } = this;
    const { views, missed, lost, doubled, skipped, acked, seq, lastTick } = tally;
    const rtt = home?.rtts.at(-1);
    const rttMs = rtt === undefined ? null : rtt * 1000;
    const longestGapMs = tally.longestGapS * 1000;
    const counts = { views, missed, lost, doubled, skipped, sent: seq, acked, tick: lastTick };
    return { ...counts, moves, rejoins, longestGapMs, rttMs, lastMove };
  }
}

/** Whose scheme is which of a WebSocket. */
const SPOKEN = {
  ws: "ws", http: "ws", clientmigration: "ws",
  wss: "wss", https: "wss", clientmigrations: "wss",
};

function parted(url) {
  const [, scheme, rest] = /^([a-z]+):\/\/(.+)$/.exec(url) ?? [];
  return Object.hasOwn(SPOKEN, scheme) ? [scheme, rest] : [];
}

function doorsOf(router) {
  const named = Array.isArray(router) ? router : router.split(/,(?=[a-z]+:\/\/)/);
  const doors = named.map(doorOf);
  if (new Set(doors.map((each) => each.protocol)).size !== 1) {
    throw new TypeError(`${router}: all must be of one scheme`);
  }
  return doors;
}

function doorOf(router) {
  const [scheme, rest] = parted(router);
  if (scheme === undefined) throw new TypeError(`${router} is not ws://host:port`);
  const door = new URL(`${SPOKEN[scheme]}://${rest}`);
  if (door.hostname.includes(",")) throw new TypeError(`${router}: each of several has its scheme`);
  // A WebSocket's usual port, where one is said, is none to a URL: it must not become ours.
  const port = /^(?:\[[^\]]*\]|[^/:]*):([0-9]+)/.exec(rest)?.[1];
  if (scheme.startsWith("clientmigration") && !port) door.port = String(PORT);
  door.hash = "";
  return door;
}

/** A server's address, host:port, as a URL. An IPv6 address has colons of its own. One that says its
 * scheme is dialled so, but never without encryption where the router's door has it. */
function addressed(door, address) {
  const [scheme, rest] = parted(address);
  if (scheme !== undefined) {
    const secure = door.protocol === "wss:" || SPOKEN[scheme] === "wss";
    return new URL(`${secure ? "wss" : "ws"}://${rest}`).href;
  }
  const at = address.lastIndexOf(":");
  const [host, port] = [address.slice(0, at), address.slice(at + 1)];
  const bracketed = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
  return `${door.protocol}//${bracketed}:${port}/`;
}

/** What binds the tickets of this program to it. */
function secret() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
