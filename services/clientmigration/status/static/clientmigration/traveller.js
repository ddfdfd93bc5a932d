/*
 * The hands of the journey: a player's connections to game servers, and what comes over them.
 *
 * It decides nothing that journey.js (where to go) or tally.js (which view to show, which input to
 * send again) decides.
 */

import { ServerConnection } from "./connections.js";
import { Entrance } from "./entrance.js";
import { Journey } from "./journey.js";
import { Streams } from "./streams.js";
import { Tally } from "./tally.js";

const JOIN_S = 3.5; // from the redirect to the first view: a server that just froze is given up by then
const LAND_S = 1; // when only the second server is left: to its first view
const CROSS_S = 10; // the router calls a move off before this
const SILENT_S = 2; // forty views late: the server is gone, whatever TCP thinks
const AFTER_S = 0.5; // how long after a switch its effects are still counted as the move's
const RETRY_S = [0.1, 5]; // first and longest wait before the router is asked again
const BEAT_S = 1; // the server is pinged this often

/**
 * One player on its way: the hands of its journey, the ear of its servers, a guest at its router.
 *
 * It plays on `home`. During a move, `next` is the server that it will play on; after it, `leaving`
 * is the one that it played on. `ended` is why it stopped by itself. `net` is what to connect with:
 * `WebSocket`, `urlOf(address)` and a steady clock `now`.
 */
export class Traveller {
  tally = new Tally();
  home = null;
  next = null;
  leaving = null;
  ended = "";
  moves = 0;
  rejoins = 0;
  lastMove = null;
  journey = new Journey(this);
  #net;
  #secret;
  #told;
  #state = "idle";
  #retrying = null;
  #settling = null;
  #beat = null;
  #beatAt = 0;
  #tries = 0;
  #from = 0; // the first tick that the present server showed
  #came = ""; // the server that the latest move came from

  constructor(net, passport, told) {
    this.#net = net;
    this.#secret = passport.secret;
    this.#told = told;
    this.entrance = new Entrance(net, passport, this, told);
    this.streams = new Streams((body) => this.act(body), net.now);
  }

  /** Begin to travel, once. */
  start() {
    if (this.journey.state !== "idle") return;
    this.#beat = setInterval(() => this.#check(), BEAT_S * 1000);
    this.journey.happened("start");
  }

  /** Go home. */
  stop() {
    this.home?.say("leave");
    this.journey.happened("stop");
  }

  /** Send one input to every server that may apply it; answers its number. */
  act(body) {
    const each = this.tally.send(body, this.#net.now());
    for (const connection of [this.home, this.next]) if (connection?.fed) connection.act(each);
    return each.seq;
  }

  /** The journey has come to a state. */
  stands() {
    const { state } = this.journey;
    if (state !== this.#state) this.#told.tell("state", (this.#state = state));
  }

  // What the router says, by way of the entrance.

  /** A connection to a game server that has not begun to connect. */
  connectionTo(address) {
    return new ServerConnection(this.#net, address, this, this.tally, this.#secret);
  }

  /** The router has found a place. */
  sent(where) {
    this.journey.happened("redirected", where);
  }

  /** The router is gone, or does not want us. A token of another cluster is forgotten. */
  turnedAway(why) {
    if (why.code === "not_authentic" && this.entrance.forget()) this.tally.forget();
    this.#homeLost(why);
  }

  // What the servers say.

  /** The server that we play on sends us on. */
  redirected(connection, where) {
    if (connection === this.home) this.journey.happened("redirected", where);
  }

  /** A view came: shown if its tick was not yet; what it says of our inputs counts anyway. */
  viewed(connection, view) {
    const now = this.#net.now();
    const first = !connection.viewed;
    connection.viewed = true;
    if (first) {
      connection.expect(null);
      this.#from = view.tick;
      this.tally.switched(view.tick);
    } else if (connection === this.leaving && view.tick >= this.#from) {
      return; // the new server has shown this tick, and knows better
    }
    if (connection === this.home || connection === this.next) this.tally.acknowledge(view, now);
    for (const shown of this.tally.show(view, now, this.#two())) {
      this.#told.tell("view", shown);
      this.streams.beat(shown.tick);
    }
    if (first) this.#arrived(connection);
    if (now - this.#beatAt > BEAT_S) this.#check(); // timers rest while a page is not looked at
  }

  /** Whether there are two connections, so that views may come on both. */
  #two() {
    return [this.home, this.next, this.leaving].filter((each) => each && !each.over).length > 1;
  }

  /** A server has shown its first view. */
  #arrived(connection) {
    if (connection === this.next) {
      this.journey.happened("crossed");
    } else if (connection === this.home) {
      this.#tries = 0;
      this.journey.happened("viewed");
    }
  }

  /** Something came of a file or a topic. */
  streamed(message) {
    this.streams.heard(message);
  }

  /** A round trip is known: perhaps it is the last one that the router asked for. */
  measured() {
    this.entrance.pinging.measured();
  }

  /** A connection to a server is gone, and we did not close it. */
  lost(connection, why) {
    if (connection === this.next) this.journey.happened("nextLost");
    else if (connection === this.home) this.#homeLost(why);
    else if (connection === this.leaving) this.leaving = null;
    else this.entrance.pinging.lost(connection);
  }

  /** Come back, unless we would only be in the way of who plays, or not be understood. */
  #homeLost({ code, text }) {
    const final = this.entrance.final(code);
    if (final) this.ended = `${code}: ${text}`;
    this.journey.happened(final ? "stop" : "homeLost");
    this.next?.expect(LAND_S);
    this.#told.tell("lost", { code, text }); // whoever hears it sees what became of it
  }

  /** Once a second: is the server still there, and how far is it? */
  #check() {
    const { home } = this;
    const now = this.#net.now();
    if (!home?.viewed) return;
    this.#beatAt = now;
    if (now - this.tally.shownAt > SILENT_S && this.next === null) {
      home.close();
      this.#homeLost({ code: "", text: `no view for ${SILENT_S} s` });
    } else {
      home.ping();
    }
  }

  // What the journey decides.

  /** Ask the router where to play. */
  seek() {
    if (this.tally.lastTick) {
      this.rejoins += 1;
      this.tally.interrupted();
    }
    this.#closeAll();
    this.entrance.ask();
  }

  /** Wait before the router is asked again: twice as long each time, and never in step with others. */
  wait() {
    this.#closeAll();
    const [first, longest] = RETRY_S;
    const delayS = Math.min(longest, first * 2 ** this.#tries) * (0.5 + Math.random());
    this.#tries += 1;
    this.#retrying = setTimeout(() => this.journey.happened("retry"), delayS * 1000);
  }

  /** Connect to a server as the only one: the connection that was pinged is the playing one from now
   * on, if it stands. */
  join(where) {
    const pinged = this.entrance.pinging.take(where.address);
    this.home = pinged ?? this.connectionTo(where.address);
    this.#go(this.home, where, JOIN_S);
    this.entrance.close();
  }

  /** Connect to a second server beside the present one: a move begins. */
  cross(where) {
    this.#endMove();
    this.tally.begin();
    this.next = this.connectionTo(where.address);
    this.#go(this.next, where, CROSS_S);
  }

  #go(connection, where, withinS) {
    connection.join(where, connection === this.next);
    if (connection.up) connection.expect(withinS);
    else connection.connect(withinS);
  }

  /** Play on the second connection. The old one stays a moment, for views still on their way. */
  switch() {
    this.#leave();
    this.#came = this.home?.member ?? "";
    this.leaving = this.home;
    this.home = this.next;
    this.next = null;
    this.moves += 1;
    this.#settling = setTimeout(() => {
      this.#leave();
      if (this.next === null) this.#endMove();
    }, AFTER_S * 1000);
  }

  #leave() {
    clearTimeout(this.#settling);
    this.leaving?.close();
    this.leaving = null;
  }

  #endMove() {
    const cost = this.tally.end();
    if (cost === null || this.home === null) return;
    const { missed, gapMs, stallMs } = cost;
    this.home.say("felt", { missed, gap_ms: gapMs, stall_ms: stallMs });
    this.lastMove = { source: this.#came, target: this.home.member, ...cost };
    this.#told.tell("move", this.lastMove);
  }

  /** Close the second connection: there was no move. */
  drop() {
    this.next?.close();
    this.next = null;
    this.tally.end();
  }

  /** Close everything, for good. */
  close() {
    this.#closeAll();
    clearInterval(this.#beat);
    clearTimeout(this.#retrying);
    this.streams.end();
  }

  #closeAll() {
    clearTimeout(this.#settling);
    const connections = [this.home, this.next, this.leaving];
    this.home = this.next = this.leaving = null;
    this.entrance.close();
    for (const connection of connections) connection?.close();
  }
}
