/*
 * The machine of a player's journey: to the router, to a server, and from server to server.
 *
 * Make before break: while `crossing` there are two connections and the player goes on playing on
 * the first. It switches when the second shows it a view, and falls back when the second is lost.
 * The same machine, with its diagram: docs/migration.md. What is not listed is ignored.
 */

const WAYS = {
  idle: { start: ["seeking", "seek"] },
  seeking: { redirected: ["joining", "join"], homeLost: ["waiting", "wait"] },
  waiting: { retry: ["seeking", "seek"] },
  joining: { viewed: ["playing"], homeLost: ["waiting", "wait"] },
  playing: { redirected: ["crossing", "cross"], homeLost: ["seeking", "seek"] },
  crossing: {
    redirected: ["crossing", "drop", "cross"],
    crossed: ["playing", "switch"],
    nextLost: ["playing", "drop"],
    homeLost: ["landing"],
  },
  landing: { crossed: ["playing", "switch"], nextLost: ["seeking", "seek"] },
  ended: {},
};

/** One journey. `traveller` does what it decides: seek, wait, join, cross, switch, drop, close. */
export class Journey {
  state = "idle";
  #traveller;

  constructor(traveller) {
    this.#traveller = traveller;
  }

  /** Something happened; `where` is the redirect, if it was one. */
  happened(what, where) {
    const way = what === "stop" ? this.#stopped() : WAYS[this.state][what];
    if (!way) return;
    const [state, ...deeds] = way;
    this.state = state;
    for (const deed of deeds) this.#traveller[deed](where);
    this.#traveller.stands();
  }

  #stopped() {
    return this.state === "ended" ? undefined : ["ended", "close"];
  }
}
