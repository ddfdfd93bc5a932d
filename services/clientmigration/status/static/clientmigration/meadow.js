/*
 * The demo game's bytes: what players do in the meadow, and what they see of it. See the protocol,
 * section 6.
 */

import { PeersFault } from "./wire.js";

const [MOVE, PICK, GIVE, DROP, FIND] = [1, 2, 3, 4, 5];
const STEPS = 65535; // a position within a cell is counted in 1/65535 of its side
const [SELF, BLOCK, ENTITY] = [14, 6, 14]; // bytes

/** Metres along each side of a cell, and of the whole meadow. */
export const CELL = 50;
export const SIDE = 1000;

/** Walk with this velocity, metres per second, from now on. */
export function move(vx, vy) {
  const body = new Uint8Array(9);
  const into = new DataView(body.buffer);
  body[0] = MOVE;
  into.setFloat32(1, vx, true);
  into.setFloat32(5, vy, true);
  return body;
}

/** Pick up one coin that lies in my cell, if there is one. */
export function pick() {
  return Uint8Array.of(PICK);
}

/** Lay down one of my coins, if I have one. */
export function drop() {
  return Uint8Array.of(DROP);
}

/** Give one of my coins to this player (its name), if it is near. */
export function give(player) {
  if (!/^[0-9a-f]{16}$/.test(player)) throw new TypeError(`${player} is no player's name`);
  return Uint8Array.of(GIVE, ...player.match(/../g).map((digits) => parseInt(digits, 16)));
}

/** Pick up the coin that lies for me in this plot, if it is near. */
export function find(column, row) {
  return Uint8Array.of(FIND, column, row);
}

/** A view's body, decoded whole: the player itself, and everyone in the cells around it (the player
 * too). Metres. Throws `PeersFault` when it is not one. */
export function look(body) {
  const seen = own(body);
  const from = new DataView(body.buffer, body.byteOffset, body.length);
  const others = [];
  let at = SELF;
  for (let blocks = from.getUint16(12, true); blocks > 0; blocks--) {
    need(body, at + BLOCK);
    const [column, row] = [from.getInt16(at, true), from.getInt16(at + 2, true)];
    const end = at + BLOCK + from.getUint16(at + 4, true) * ENTITY;
    need(body, end);
    for (at += BLOCK; at < end; at += ENTITY) others.push(entity(body, from, at, column, row));
  }
  if (at !== body.length) bad(`${body.length - at} bytes too many`);
  return { ...seen, others };
}

/** Only the player itself: cheap. */
export function own(body) {
  need(body, SELF);
  const from = new DataView(body.buffer, body.byteOffset, body.length);
  const [x, y] = [from.getFloat32(0, true), from.getFloat32(4, true)];
  return { x, y, coins: from.getUint32(8, true) };
}

function entity(body, from, at, column, row) {
  return {
    player: hex(body.subarray(at, at + 8)),
    x: (column + from.getUint16(at + 8, true) / STEPS) * CELL,
    y: (row + from.getUint16(at + 10, true) / STEPS) * CELL,
    owner: body[at + 12],
    coins: body[at + 13],
  };
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

function hex(bytes) {
  let digits = "";
  for (const byte of bytes) digits += HEX[byte];
  return digits;
}

function need(body, bytes) {
  if (body.length < bytes) bad(`it ends early, at ${body.length} bytes`);
}

function bad(why) {
  throw new PeersFault("malformed_frame", `not a view of the meadow: ${why}`);
}
