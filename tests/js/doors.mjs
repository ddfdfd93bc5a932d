/*
 * A world for tests of the player: sockets that lead nowhere, and a test that answers at their other
 * ends. Time is the test's own.
 */

import { hashed } from "../../services/clientmigration/status/static/clientmigration/digest.js";
import { Player } from "../../services/clientmigration/status/static/clientmigration/index.js";
import { say } from "../../services/clientmigration/status/static/clientmigration/wire.js";

export const ROUTER = "ws://router:4100";

/** The other end of one connection: what was said to it in `heard`, newest last. */
class Door {
  heard = [];
  inputs = [];
  readyState = 0;

  constructor(url) {
    this.url = url;
  }

  // The player's side.

  send(message) {
    const kind = message[0];
    if (kind === 0) this.heard.push(JSON.parse(Buffer.from(message.subarray(1)).toString()));
    else this.inputs.push(new DataView(message.buffer).getUint32(1, true));
  }

  close() {
    this.readyState = 3;
  }

  // The test's side.

  opens(role) {
    this.readyState = 1;
    this.onopen();
    this.says("greeting", { role });
  }

  says(t, fields) {
    this.bytes(say(t, fields));
  }

  bytes(message) {
    this.onmessage({ data: message.buffer.slice(0) });
  }

  breaks() {
    this.readyState = 3;
    this.onclose({ code: 1006 });
  }

  shows(tick, { last = 0, applied = last, digest = 0 } = {}) {
    const view = new Uint8Array(21);
    const into = new DataView(view.buffer);
    view[0] = 2;
    into.setUint32(1, tick % 2 ** 32, true);
    into.setUint32(5, Math.floor(tick / 2 ** 32), true);
    [last, applied, digest].forEach((number, n) => into.setUint32(9 + 4 * n, number, true));
    this.bytes(view);
  }

  /** The newest message with this tag. */
  last(t) {
    return this.heard.findLast((each) => each.t === t);
  }
}

/** A player, its doors by URL (newest last), and what it told: [event, value], newest last. */
export function world(options = {}, at = ROUTER) {
  const doors = [];
  class Socket extends Door {
    constructor(url) {
      super(url);
      doors.push(this);
    }
  }
  const kept = { token: options.token ?? "" };
  const store = { load: () => kept.token, save: (token) => (kept.token = token) };
  const clock = { s: 1000 };
  const player = new Player(at, { WebSocket: Socket, store, now: () => clock.s, ...options });
  const told = [];
  for (const event of ["state", "view", "move", "lost", "position", "identity"]) {
    player.on(event, (value) => told.push([event, value]));
  }
  const door = (host) => doors.findLast((each) => new URL(each.url).hostname === host);
  const ticks = () => told.filter(([event]) => event === "view").map(([, view]) => view.tick);
  return { player, doors, door, told, kept, ticks, clock };
}

/** A world whose player plays on gs-1, at tick 100. */
export function playing(options) {
  const all = world(options);
  const { player, door } = all;
  player.start();
  door("router").opens("router");
  door("router").says("identity", { player: "a1b2c3d4e5f60718", token: "a token" });
  door("router").says("redirect", redirect("gs-1"));
  door("gs-1").opens("gameserver");
  door("gs-1").says("welcome", { player: player.name, member: "gs-1", ack: 0, rate: 20 });
  door("gs-1").shows(100);
  return all;
}

export function redirect(host) {
  return { member: host, address: `${host}:4200`, ticket: `a ticket for ${host}` };
}

/** Whether the secret shown at a door is that of the holder told to the router. */
export function bound(router, server) {
  return hashed(server.last("join").secret) === router.last("hello").holder;
}
