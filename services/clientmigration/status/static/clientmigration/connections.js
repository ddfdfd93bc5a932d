/*
 * A player's connections: one to the router while it seeks, one or two to game servers.
 *
 * A connection knows how to connect, what to say first, and what was said on it. What that means is
 * for its ear to say: nothing here knows a player.
 */

import { Decoder, greeting, input, PeersFault, say } from "./wire.js";

const OPEN = 1;
const SILENCE_S = 15; // a router that has told us our place in line repeats it every 5 s

/** From one word of the router to the next: it waits 4.5 s for a server at most. */
export const ANSWER_S = 6;

/** Round trips per candidate; the best counts, the first may include a cold start. */
export const PINGS = 2;

/**
 * One connection, from the attempt to its end. `net` is what to connect with: a class `WebSocket`
 * and a steady clock `now`. Its `ear` hears `redirected(connection, where)`, and when it is over,
 * and we did not close it, `lost(connection, { code, text })`.
 */
class PlayerConnection {
  over = false;
  up = false; // the other side has greeted
  #decoder;
  #net;
  #url;
  #socket = null;
  #deadline = null;

  constructor(net, url, from, ear) {
    this.ear = ear;
    this.#net = net;
    this.#url = url;
    this.#decoder = new Decoder(from);
  }

  /** Connect, and be of use within so many seconds, or be lost. */
  connect(withinS) {
    this.expect(withinS);
    try {
      this.#socket = new this.#net.WebSocket(this.#url);
    } catch (error) {
      queueMicrotask(() => this.#lost("", error.message)); // no URL, or not allowed on this page
      return;
    }
    this.#socket.binaryType = "arraybuffer";
    this.#socket.onopen = () => this.#send(greeting());
    this.#socket.onmessage = ({ data }) => this.#received(data);
    this.#socket.onclose = ({ code }) => this.#lost("", `the connection ended (${code})`);
    this.#socket.onerror = () => this.#lost("", "the connection failed");
  }

  /** Give it so long for what is due next; null: nothing is. */
  expect(withinS) {
    clearTimeout(this.#deadline);
    this.#deadline = null;
    if (withinS !== null) this.#deadline = setTimeout(() => this.#tooLate(), withinS * 1000);
  }

  #tooLate() {
    this.#lost("", "no answer in time");
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

  /** Send one input, if the other side has greeted. */
  act(each) {
    if (this.up && !this.over) this.#send(input(each.seq, each.body));
  }

  #received(data) {
    if (this.over) return;
    try {
      this.#heard(this.#decoder.decode(new Uint8Array(data)));
    } catch (error) {
      if (!(error instanceof PeersFault)) throw error;
      this.#lost(error.code, error.message, error.code);
    }
  }

  #heard(message) {
    if (message.t === "greeting") {
      this.up = true;
      this.ready();
    } else if (message.t === "goodbye") {
      this.#lost(message.code, message.text);
    } else {
      this.heard(message);
    }
  }

  /** It is over. `answer` is the code of our goodbye: what the other side did wrong, if anything. */
  #lost(code, text, answer = "bye") {
    if (this.over) return;
    this.close(answer, answer === "bye" ? "" : text);
    this.ear.lost(this, { code, text });
  }
}

/**
 * The way in: hello, pings, redirect. `hello` is what is said first. Its ear hears besides
 * `greeted(connection)`, `identified(name, token)`, `asked(candidates)` and `queued(position, estimateS)`.
 */
export class RouterConnection extends PlayerConnection {
  #hello;
  #answerS;

  constructor(net, url, ear, hello, answerS = ANSWER_S) {
    super(net, url, "router", ear);
    this.#hello = hello;
    this.#answerS = answerS;
  }

  /** The router has greeted. */
  ready() {
    this.ear.greeted(this);
    this.expect(this.#answerS);
    this.say("hello", this.#hello);
  }

  /** Answer with round trips in milliseconds, by member. */
  tellPings(pings) {
    this.expect(this.#answerS);
    this.say("pings", { pings });
  }

  /** The router said this (the protocol, section 5). It has so long for its next word, but where it
   * waits for ours. */
  heard(message) {
    const due = { waiting: SILENCE_S, candidates: ANSWER_S, redirect: null };
    this.expect(Object.hasOwn(due, message.t) ? due[message.t] : this.#answerS);
    switch (message.t) {
      case "identity":
        this.ear.identified(message.player, message.token);
        break;
      case "candidates":
        this.ear.asked(message.candidates);
        break;
      case "waiting":
        this.ear.queued(message.position, message.estimate_s);
        this.say("here");
        break;
      case "redirect":
        this.ear.redirected(this, message);
    }
  }
}

/**
 * A connection to a game server: pinged, joined, played on. `tally` knows which inputs there are;
 * tickets are bound to `secret`. Its ear hears besides `viewed(connection, view)`,
 * `streamed(message)` and, when a round trip is known that was the last one to measure, `measured()`.
 */
export class ServerConnection extends PlayerConnection {
  member = "";
  ticket = "";
  welcomed = false;
  fed = false; // whether every input goes here
  viewed = false; // whether a view has come
  rtts = []; // seconds, the latest few
  #now;
  #tally;
  #secret;
  #beside = false;
  #pingedAt = 0;
  #n = 0;

  constructor(net, address, ear, tally, secret) {
    super(net, net.urlOf(address), "server", ear);
    this.address = address;
    this.#now = net.now;
    this.#tally = tally;
    this.#secret = secret;
  }

  /** The server has greeted. */
  ready() {
    if (this.ticket) this.#join();
    else this.ping();
  }

  /** Measure a round trip. */
  ping() {
    this.#n += 1;
    this.#pingedAt = this.#now();
    const last = this.rtts.at(-1);
    const lastMs = last === undefined ? null : Math.round(last * 1e6) / 1e3;
    this.say("ping", { n: this.#n, rtt_ms: lastMs });
  }

  /** Show the ticket, now or as soon as there is a connection; beside another server, or as the
   * only one. */
  join({ member, ticket }, beside) {
    this.member = member;
    this.ticket = ticket;
    this.#beside = beside;
    if (this.up) this.#join();
  }

  /** Beside another server everything that no view has acknowledged follows at once: by the time
   * that this one takes over it has what it needs. What is older is in the snapshot. */
  #join() {
    this.say("join", { ticket: this.ticket, secret: this.#secret, oldest: this.#tally.oldest() });
    if (this.#beside) this.#feed(this.#tally.acked);
  }

  #feed(known) {
    this.fed = true;
    for (const each of this.#tally.after(known)) this.act(each);
  }

  /** The server said this (the protocol, sections 6 and 7); mostly it is a view. */
  heard(message) {
    switch (message.t) {
      case "view":
        this.ear.viewed(this, message);
        break;
      case "pong":
        this.#ponged(message.n);
        break;
      case "welcome":
        this.#welcomed(message);
        break;
      case "redirect":
        this.ear.redirected(this, message);
        break;
      default:
        this.ear.streamed(message);
    }
  }

  #ponged(n) {
    if (n !== this.#n) return;
    this.rtts = [...this.rtts.slice(-7), Math.max(0, this.#now() - this.#pingedAt)];
    if (this.rtts.length < PINGS && !this.welcomed) this.ping();
    else this.ear.measured();
  }

  /** The server says what it has: send the rest, unless it gets everything already. */
  #welcomed({ ack, rate, skipped }) {
    this.#tally.periodS = 1 / rate;
    this.#tally.continueFrom(ack, skipped);
    this.welcomed = true;
    if (this.fed) return;
    this.#tally.takenUp(ack);
    this.#feed(ack);
  }
}
