/* What this package offers. Types: index.d.ts. What it does and how to use it: README.md. */

export { Player } from "./player.js";
export { NotFetched } from "./streams.js";
export { PeersFault } from "./wire.js";
