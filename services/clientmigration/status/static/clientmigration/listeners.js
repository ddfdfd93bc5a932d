/*
 * The listeners of a player: any number of them for each of the events that it tells.
 *
 * A listener that fails is reported, and disturbs neither the player nor the other listeners.
 */

import { BadInput } from "./errors.js";
import { PeersFault } from "./wire.js";

const EVENTS = ["view", "state", "move", "lost", "position", "identity"];

/** The listeners of one player, by event, called in the order in which they came. */
export class Listeners {
  #of = new Map(EVENTS.map((event) => [event, []]));

  /** Call `listener(value)` at each `event`, until what this answers is called. */
  on(event, listener) {
    const those = this.#of.get(event);
    if (!those) throw new BadInput(`${event} is no event; there are ${EVENTS.join(", ")}`);
    const one = { listener }; // the same function may listen twice, and each is ended by itself
    this.#of.set(event, [...those, one]);
    return () => void this.#of.set(event, this.#of.get(event).filter((each) => each !== one));
  }

  /** Something happened. A `PeersFault` of a listener says that the other side's bytes are wrong:
   * it is thrown on, and ends the connection that brought them. */
  tell(event, value) {
    for (const { listener } of this.#of.get(event)) {
      try {
        listener(value);
      } catch (error) {
        if (error instanceof PeersFault) throw error;
        if (globalThis.reportError) globalThis.reportError(error);
        else console.error(error);
      }
    }
  }
}
