/** A player in sight. */
export interface Other {
  /** Its name: 16 hex digits. */
  player: string;
  /** Metres. */
  x: number;
  y: number;
  /** The number of the server that simulates it; 0 while that has none. */
  owner: number;
  /** Stops at 255. */
  coins: number;
}

/** The player itself. */
export interface Own {
  /** Metres. */
  x: number;
  y: number;
  coins: number;
}

/** Metres along each side of a cell. */
export const CELL: number;
/** Metres along each side of the meadow. */
export const SIDE: number;

/** Walk with this velocity, metres per second, from now on. */
export function move(vx: number, vy: number): Uint8Array;
/** Pick up one coin that lies in my cell, if there is one. */
export function pick(): Uint8Array;
/** Lay down one of my coins, if I have one. */
export function drop(): Uint8Array;
/** Pick up the coin that lies for me in this plot, if it is near. */
export function find(column: number, row: number): Uint8Array;
/** Give one of my coins to this player, if it is near. */
export function give(player: string): Uint8Array;
/** A view's body: the player itself, and everyone in the cells around it (the player too). */
export function look(body: Uint8Array): Own & { others: Other[] };
/** Only the player itself: cheap. */
export function own(body: Uint8Array): Own;
