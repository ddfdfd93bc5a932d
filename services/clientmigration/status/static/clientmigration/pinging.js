/*
 * Pinging: asks the candidates that the router has named for their round trips, and reports them.
 *
 * It keeps the connections until the router has decided, because the one that is chosen is played on.
 */

import { PINGS } from "./connections.js";

const PINGS_S = 1; // candidates that have not answered by then are too far anyway

/**
 * The candidates of one visit to the router. `connectionTo(address)` makes a connection;
 * `report(pings)` is given the best round trips in milliseconds, by member, when all have answered
 * or the time is up.
 */
export class Pinging {
  #connectionTo;
  #report;
  #asked = [];
  #timeUp = null;

  constructor(connectionTo, report) {
    this.#connectionTo = connectionTo;
    this.#report = report;
  }

  /** Connect to these too and measure. The router may ask twice; it hears of all of them. */
  ask(candidates) {
    const asked = candidates.map(({ member, address }) => {
      return Object.assign(this.#connectionTo(address), { member });
    });
    this.#asked.push(...asked);
    for (const connection of asked) connection.connect(PINGS_S);
    clearTimeout(this.#timeUp);
    this.#timeUp = setTimeout(() => this.#tell(), PINGS_S * 1000);
  }

  /** One more round trip is known, or will never be. */
  measured() {
    const done = (each) => each.rtts.length >= PINGS || each.over;
    if (this.#timeUp !== null && this.#asked.every(done)) this.#tell();
  }

  /** A connection is gone: if it was a candidate's, it need not be waited for. */
  lost(connection) {
    if (this.#asked.includes(connection)) this.measured();
  }

  #tell() {
    this.#stopWaiting();
    const known = this.#asked.filter((each) => each.rtts.length);
    const pings = known.map((each) => [each.member, Math.min(...each.rtts) * 1000]);
    this.#report(Object.fromEntries(pings));
  }

  /** The connection to this address that stands, or null. All others are closed. */
  take(address) {
    const standing = this.#asked.filter((each) => each.up && !each.over);
    const taken = standing.find((each) => each.address === address) ?? null;
    this.#closeBut(taken);
    return taken;
  }

  /** Nobody is asked any more. */
  close() {
    this.#closeBut(null);
  }

  #closeBut(kept) {
    this.#stopWaiting();
    const asked = this.#asked;
    this.#asked = [];
    for (const each of asked) if (each !== kept) each.close();
  }

  #stopWaiting() {
    clearTimeout(this.#timeUp);
    this.#timeUp = null;
  }
}
