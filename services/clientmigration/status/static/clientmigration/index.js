/* What this package offers. Types: index.d.ts. What it does and how to use it: README.md. */

export { Player } from "./player.js";
export { Sha256 } from "./digest.js";
export { BadInput, Corrupted, NotOffered, PlayerStopped } from "./errors.js";
export { PeersFault } from "./wire.js";
