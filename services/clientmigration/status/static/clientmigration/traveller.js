/*
 * The hands of the journey: connections, timers, and what is told to the program. It decides
 * nothing that journey.js or tally.js decide.
 */

import { hashed } from "./digest.js";
import { Journey } from "./journey.js";
import { RouterLeg, ServerLeg } from "./legs.js";
import { Streams } from "./streams.js";
import { Tally } from "./tally.js";

const PINGS_S = 1; // candidates that have not answered by then are too far anyway
const SEEK_S = 10; // to find the router and hear its greeting
const JOIN_S = 6; // from the redirect to the first view
const CROSS_S = 10; // the router calls a move off before this
const SILENT_S = 2; // forty views late: the server is gone, whatever TCP thinks
const AFTER_S = 0.5; // how long after a switch its effects are still counted as the move's
const RETRY_S = [0.1, 5]; // first and longest wait before the router is asked again
const BEAT_S = 1; // the server is pinged this often
const FINAL = new Set(["replaced", "not_our_protocol"]); // to come back would not help

/** What one player does. `tell(event, value)` hands on what happened. */
export class Way {
  token;
  name = "";
  position = 0;
  estimateS = null;
  moves = 0;
  rejoins = 0;
  tally = new Tally();
  seeker = null;
  home = null;
  next = null;
  leaving = null;
  journey = new Journey(this);
  #pinged = [];
  #pinging = null;
  #retrying = null;
  #settling = null;
  #beat = null;
  #beatAt = 0;
  #tries = 0;
  #from = 0; // the first tick that the present server showed
  #came = ""; // the server that a move came from

  constructor({ router, url, WebSocket, store, group, now, tell }) {
    Object.assign(this, { router, urlOf: url, WebSocket, store, group, now, tell });
    this.token = store.load() || "";
    this.secret = secret();
    this.holder = hashed(this.secret);
    this.streams = new Streams((body) => this.act(body), now);
  }

  start() {
    if (this.journey.state !== "idle") return;
    this.#beat = setInterval(() => this.#check(), BEAT_S * 1000);
    this.journey.happened("start");
  }

  stop() {
    this.home?.say("leave");
    this.journey.happened("stop");
  }

  /** Send one input, to every server that may apply it. */
  act(body) {
    const each = this.tally.send(body, this.now());
    for (const leg of [this.home, this.next]) if (leg?.fed) leg.act(each);
    return each.seq;
  }

  // What the legs report.

  identified(name, token) {
    this.name = name;
    this.token = token;
    this.store.save(token);
    this.tell("identity", name);
  }

  stood(position, estimateS) {
    this.estimateS = estimateS;
    if (position !== this.position) this.tell("waiting", (this.position = position));
  }

  measure(candidates) {
    const asked = candidates.map(({ member, address }) => {
      const leg = new ServerLeg(this, address);
      leg.member = member;
      return leg;
    });
    this.#pinged.push(...asked); // the router may ask twice
    clearTimeout(this.#pinging);
    this.#pinging = setTimeout(() => this.#tellPings(), PINGS_S * 1000);
    for (const leg of asked) leg.connect(PINGS_S);
  }

  measured() {
    const done = (leg) => leg.rtts.length > 1 || leg.over;
    if (this.#pinging !== null && this.#pinged.every(done)) this.#tellPings();
  }

  #tellPings() {
    clearTimeout(this.#pinging);
    this.#pinging = null;
    const known = this.#pinged.filter((leg) => leg.rtts.length);
    const pings = known.map((leg) => [leg.member, Math.min(...leg.rtts) * 1000]);
    this.seeker?.say("pings", { pings: Object.fromEntries(pings) });
  }

  /** The router, or a server, names a server and a ticket. */
  sent(leg, where) {
    if (leg === this.seeker || leg === this.home) this.journey.happened("redirected", where);
  }

  /** A view came: shown if its tick was not yet; what it says of our inputs counts anyway. */
  viewed(leg, view) {
    const now = this.now();
    const first = !leg.viewed;
    leg.viewed = true;
    if (first) {
      leg.expect(null);
      this.#from = view.tick;
    } else if (leg === this.leaving && view.tick >= this.#from) {
      return; // the new server has shown this tick, and knows better
    }
    if (leg === this.home || leg === this.next) this.tally.acknowledge(view, now);
    const crossing = this.next !== null || this.leaving !== null;
    for (const shown of this.tally.show(view, now, crossing)) this.#show(shown);
    if (first && leg === this.next) this.journey.happened("crossed");
    else if (first && leg === this.home) {
      this.#tries = 0;
      this.journey.happened("viewed");
    }
    if (now - this.#beatAt > BEAT_S) this.#check(); // timers rest while a page is not looked at
  }

  #show(view) {
    this.tell("view", view);
    this.streams.beat(view.tick);
  }

  /** A connection is gone, and we did not close it. */
  lost(leg, code, text) {
    if (code === "not_authentic" && leg === this.seeker && this.token) {
      this.token = ""; // of another cluster, or an old one: come back as somebody new
      this.store.save("");
    }
    if (leg === this.next) this.journey.happened("nextLost");
    else if (leg === this.home || leg === this.seeker) this.#homeLost(code, text);
    else if (leg === this.leaving) this.leaving = null;
    else if (this.#pinged.includes(leg)) this.measured();
  }

  #homeLost(code, text) {
    this.journey.happened(FINAL.has(code) ? "stop" : "homeLost");
    this.tell("lost", { code, text }); // whoever hears it sees what became of it
  }

  #check() {
    const { home } = this;
    const now = this.now();
    if (!home?.viewed) return;
    this.#beatAt = now;
    if (now - this.tally.shownAt > SILENT_S && this.next === null) {
      home.close();
      this.#homeLost("", `no view for ${SILENT_S} s`);
    } else {
      home.ping();
    }
  }

  // What the journey decides.

  stands(state) {
    this.tell("state", state);
  }

  seek() {
    if (this.tally.lastTick) {
      this.rejoins += 1;
      this.tally.interrupted();
    }
    this.#closeAll();
    this.seeker = new RouterLeg(this, this.router);
    this.seeker.connect(SEEK_S);
  }

  /** Twice as long each time, and never in step with others. */
  wait() {
    this.#closeAll();
    const [first, longest] = RETRY_S;
    const delayS = Math.min(longest, first * 2 ** this.#tries) * (0.5 + Math.random());
    this.#tries += 1;
    this.#retrying = setTimeout(() => this.journey.happened("retry"), delayS * 1000);
  }

  /** The connection that was pinged becomes the playing one. */
  join(where) {
    const { seeker } = this;
    this.seeker = null;
    const known = this.#pinged.find((leg) => leg.address === where.address && leg.up && !leg.over);
    for (const leg of this.#pinged) if (leg !== known) leg.close();
    this.#stopPinging();
    this.home = known ?? new ServerLeg(this, where.address);
    this.#go(this.home, where, JOIN_S);
    seeker?.close();
  }

  cross(where) {
    this.#endMove();
    this.tally.begin();
    this.next = new ServerLeg(this, where.address);
    this.#go(this.next, where, CROSS_S);
  }

  #go(leg, where, withinS) {
    leg.join(where);
    if (leg.up) leg.expect(withinS);
    else leg.connect(withinS);
  }

  /** The old connection stays a moment, for views still on their way. */
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
    this.tell("move", { from: this.#came, to: this.home.member, missed, gapMs, stallMs });
  }

  drop() {
    this.next?.close();
    this.next = null;
    this.tally.end();
  }

  close() {
    this.#closeAll();
    clearInterval(this.#beat);
    clearTimeout(this.#retrying);
    this.streams.end();
  }

  #closeAll() {
    clearTimeout(this.#settling);
    const legs = [this.seeker, this.home, this.next, this.leaving, ...this.#pinged];
    this.seeker = this.home = this.next = this.leaving = null;
    this.#stopPinging();
    for (const leg of legs) leg?.close();
  }

  #stopPinging() {
    clearTimeout(this.#pinging);
    this.#pinging = null;
    this.#pinged = [];
  }
}

function secret() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
