/*
 * A player's connections: one to the router while it seeks, one or two to game servers.
 *
 * A leg knows how to connect and what was said on it. What that means is the player's to say.
 */

import { Decoder, greeting, input, say } from "./wire.js";

const PINGS = 2; // round trips per candidate; the best counts, the first may include a cold start
const OPEN = 1;
const ANSWER_S = 6; // from one word of the router to the next: it waits 4.5 s for a server at most

class Leg {
  over = false;
  up = false; // the other side has greeted
  #decoder;
  #socket = null;
  #deadline = null;

  constructor(player, url, from) {
    this.player = player;
    this.url = url;
    this.#decoder = new Decoder(from);
  }

  /** Connect, and be of use within so many seconds, or be lost. */
  connect(withinS) {
    this.expect(withinS);
    try {
      this.#socket = new this.player.WebSocket(this.url);
    } catch (error) {
      queueMicrotask(() => this.#ended("", error.message)); // no URL, or not allowed on this page
      return;
    }
    this.#socket.binaryType = "arraybuffer";
    this.#socket.onopen = () => this.#send(greeting());
    this.#socket.onmessage = ({ data }) => this.#received(data);
    this.#socket.onclose = ({ code }) => this.#ended("", `the connection ended (${code})`);
    this.#socket.onerror = () => this.#ended("", "the connection failed");
  }

  /** Give it so long for what is due next; null: nothing is. */
  expect(withinS) {
    clearTimeout(this.#deadline);
    this.#deadline = null;
    if (withinS !== null) this.#deadline = setTimeout(() => this.#tooLate(), withinS * 1000);
  }

  #tooLate() {
    if (this.over) return;
    this.close();
    this.player.lost(this, "", "no answer in time");
  }

  /** Close without being lost. */
  close(code = "bye", text = "") {
    if (this.over) return;
    this.over = true;
    this.expect(null);
    this.#send(say("goodbye", { code, text }));
    this.#socket?.close();
  }

  #send(message) {
    if (this.#socket?.readyState === OPEN) this.#socket.send(message);
  }

  /** Say it, if the other side has greeted. */
  say(t, fields) {
    if (this.up && !this.over) this.#send(say(t, fields));
  }

  /** Send one input. */
  act(each) {
    if (this.up && !this.over) this.#send(input(each.seq, each.body));
  }

  #received(data) {
    if (this.over) return;
    try {
      this.#heard(this.#decoder.decode(new Uint8Array(data)));
    } catch (error) {
      if (error.code === undefined) throw error;
      this.close(error.code, error.message);
      this.player.lost(this, error.code, error.message);
    }
  }

  #heard(message) {
    if (message.t === "greeting") {
      this.up = true;
      this.ready();
    } else if (message.t === "goodbye") {
      this.#ended(message.code, message.text);
    } else {
      this.heard(message);
    }
  }

  #ended(code, text) {
    if (this.over) return;
    this.close();
    this.player.lost(this, code, text);
  }
}

/** The way in: hello, pings, redirect. */
export class RouterLeg extends Leg {
  constructor(player, url) {
    super(player, url, "router");
  }

  /** The router has greeted. */
  ready() {
    const { holder, token, group } = this.player;
    this.expect(ANSWER_S);
    this.say("hello", { holder, token, group });
  }

  /** See the protocol, section 5. */
  heard(message) {
    this.expect(ANSWER_S);
    if (message.t === "identity") {
      this.player.identified(message.player, message.token);
    } else if (message.t === "candidates") {
      this.player.measure(message.candidates);
    } else if (message.t === "waiting") {
      this.expect(null);
      this.player.stood(message.position, message.estimate_s);
      this.say("here");
    } else if (message.t === "redirect") {
      this.expect(null);
      this.player.stood(0, null);
      this.player.sent(this, message);
    }
  }
}

/** A game server: pinged, joined, played on. */
export class ServerLeg extends Leg {
  member = "";
  ticket = "";
  welcomed = false;
  fed = false; // whether every input goes here
  viewed = false;
  rtts = []; // seconds, the latest few
  #pingedAt = 0;
  #n = 0;

  constructor(player, address) {
    super(player, player.urlOf(address), "server");
    this.address = address;
  }

  /** The server has greeted. */
  ready() {
    if (this.ticket) this.#join();
    else this.ping();
  }

  /** Measure a round trip. */
  ping() {
    this.#n += 1;
    this.#pingedAt = this.player.now();
    const last = this.rtts.at(-1);
    this.say("ping", { n: this.#n, rtt_ms: last === undefined ? null : last * 1000 });
  }

  /** Show the ticket, now or as soon as there is a connection. */
  join({ member, ticket }) {
    this.member = member;
    this.ticket = ticket;
    if (this.up) this.#join();
  }

  /** Beside another server everything that no view has acknowledged follows at once: by the time
   * that this one takes over it has what it needs. What is older is in the snapshot. */
  #join() {
    const { player } = this;
    this.say("join", { ticket: this.ticket, secret: player.secret, oldest: player.tally.oldest() });
    if (this === player.next) this.#feed(player.tally.acked);
  }

  #feed(known) {
    this.fed = true;
    for (const each of this.player.tally.after(known)) this.act(each);
  }

  /** See the protocol, sections 6 and 7. */
  heard(message) {
    if (message.t === "view") this.player.viewed(this, message);
    else if (message.t === "pong") this.#ponged(message.n);
    else if (message.t === "welcome") this.#welcomed(message);
    else if (message.t === "redirect") this.player.sent(this, message);
    else this.player.streams.heard(message);
  }

  #ponged(n) {
    if (n !== this.#n) return;
    this.rtts = [...this.rtts.slice(-7), Math.max(0, this.player.now() - this.#pingedAt)];
    if (this.rtts.length < PINGS && !this.welcomed) this.ping();
    else this.player.measured();
  }

  /** The server says what it has: send the rest, unless it gets everything already. */
  #welcomed({ ack, rate }) {
    this.player.tally.periodS = 1 / rate;
    this.player.tally.continueFrom(ack);
    this.welcomed = true;
    if (!this.fed) this.#feed(ack);
  }
}
