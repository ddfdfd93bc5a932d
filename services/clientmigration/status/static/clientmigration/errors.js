/* The errors of this package: each says what could not be done. PeersFault is in wire.js. */

class PlayerError extends Error {
  name = this.constructor.name;
}

/** What the program wants a player to send can not be sent: the text says what and why. */
export class BadInput extends RangeError {
  name = "BadInput";
}

/** No server here offers a file or a topic of that name, or not one more. The text says why. */
export class NotOffered extends PlayerError {}

/** A file did not arrive as it was offered. What was handed on of it is of no use. */
export class Corrupted extends PlayerError {}

/** The player went home before this was complete. */
export class PlayerStopped extends PlayerError {}
