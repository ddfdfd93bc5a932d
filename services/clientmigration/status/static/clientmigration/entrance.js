/*
 * The way in: tells the router who we are, hears where to play, or our place in line meanwhile.
 *
 * It knows the player's name and token, and is the only one to change them. When to ask the router,
 * and what a redirect leads to, is not decided here.
 */

import { ANSWER_S, RouterConnection } from "./connections.js";
import { hashed } from "./digest.js";
import { BadInput } from "./errors.js";
import { Pinging } from "./pinging.js";

const SEEK_S = 10; // to find the router and hear its greeting
const QUICK_S = 0.3; // then another router is asked too, if there is one: one that is stopped accepts
const QUIET_S = 0.8; // for the next word of one of several: it may have been stopped just then
const ROUNDS = 2; // of all routers, before the way in is lost: the second one is patient
const ELSEWHERE = ["", "elsewhere"]; // the codes after which another router is asked
const [GROUP_LIMIT, TOKEN_LIMIT] = [64, 1024]; // characters: more the router would not read
const LOGIN_LIMIT = 2560; // of a login
const LOGIN_S = 10; // for the program to get one

/** After such an end, to come back would not help. */
const FINAL = new Set([
  ...["replaced", "not_our_protocol", "banned", "kicked", "login_required", "bad_name"],
]);

/** The URLs of equal routers, one after the other. Which one is first is by chance: the program's
 * secret decides it. */
class Routers {
  #urls;
  #at;
  #tried = 0;

  constructor(urls, secret) {
    this.#urls = urls;
    this.#at = parseInt(hashed(secret).slice(0, 8), 16) % urls.length;
  }

  /** Begin to try them. */
  first() {
    this.#tried = 0;
  }

  /** On to the next one that is not being `asked`; false: there is none to try at once. */
  next(asked = []) {
    const { length } = this.#urls;
    for (let step = 1; this.several && step <= length; step += 1) {
      const at = (this.#at + step) % length;
      if (!asked.includes(this.#urls[at]) && this.#tried + step < ROUNDS * length) {
        this.#at = at;
        this.#tried += step;
        return true;
      }
    }
    return false;
  }

  /** Where to knock. */
  get url() {
    return this.#urls[this.#at];
  }

  /** Whether there is more than one. */
  get several() {
    return this.#urls.length > 1;
  }

  /** How long to wait for this one's words: not for long if there are others that were not asked
   * yet. The last one is waited for: who leaves a busy one only makes it busier. */
  get answerS() {
    return this.#tried < this.#urls.length - 1 ? QUIET_S : ANSWER_S;
  }
}

/**
 * One player's way in. `passport` is what it shows: `routers` (their URLs), `secret`, `group`, the
 * `store` of its token, and a `login` instead of that, or a function that gets one. `guest` is
 * whoever comes in: it is told `sent(where)` and
 * `turnedAway({ code, text })`, and makes connections: `connectionTo(address)`. `told` hears the
 * events `identity` and `position`.
 */
export class Entrance {
  name = "";
  token;
  position = 0;
  estimateS = null;
  pinging;
  #net;
  #passport;
  #guest;
  #told;
  #router = null; // the one that has greeted
  #knocking = new Map(); // connections to routers that have not, with their timers
  #routers;
  #asks = 0; // the newest one counts
  #shown; // the login of this asking

  constructor(net, passport, guest, told) {
    const long = [...passport.group].length;
    if (long > GROUP_LIMIT) {
      throw new BadInput(`a group of ${long} characters, ${GROUP_LIMIT} are allowed`);
    }
    this.#net = net;
    this.#passport = passport;
    this.#routers = new Routers(passport.routers, passport.secret);
    this.#guest = guest;
    this.#told = told;
    const { login } = passport;
    if (typeof login === "string" && login.length > LOGIN_LIMIT) {
      throw new BadInput(`a login of ${login.length} characters, ${LOGIN_LIMIT} are allowed`);
    }
    // A token that no router can have written is like one of another cluster.
    const token = passport.store.load() || "";
    this.token = token.length <= TOKEN_LIMIT ? token : "";
    this.pinging = new Pinging(
      (address) => guest.connectionTo(address),
      (pings) => this.#router?.tellPings(pings),
    );
  }

  /** Connect to a router and ask for a place: with the token that we have; or with a login, as long
   * as we have none by it. */
  ask() {
    this.#routers.first();
    const { login } = this.#passport;
    const ask = ++this.#asks;
    if (!login || this.token) {
      this.#knock();
    } else if (typeof login === "string") {
      this.#show(login);
    } else {
      gotten(login).then(
        (fresh) => ask === this.#asks && this.#show(fresh),
        (error) => {
          const why = { code: "", text: `no login: ${error?.message ?? error}` };
          if (ask === this.#asks) this.#guest.turnedAway(why);
        },
      );
    }
  }

  #show(login) {
    this.#shown = login;
    this.#knock();
  }

  #knock() {
    const { secret, group } = this.#passport;
    const { url, answerS, several } = this.#routers;
    const login = this.token || this.#shown === undefined ? {} : { login: this.#shown };
    const hello = { holder: hashed(secret), token: this.token, group, ...login };
    const router = new RouterConnection(this.#net, url, this, hello, answerS);
    const another = several ? setTimeout(() => this.#another(), QUICK_S * 1000) : null;
    this.#knocking.set(router, { url, another });
    router.connect(SEEK_S);
  }

  /** Nobody has greeted yet: ask one more, and go with who is first. */
  #another() {
    if (this.#routers.next(this.#asked)) this.#knock();
  }

  get #asked() {
    return [...this.#knocking.values()].map(({ url }) => url);
  }

  #knockNoMore(but = null) {
    const knocking = [...this.#knocking];
    this.#knocking.clear();
    for (const [router, { another }] of knocking) {
      clearTimeout(another);
      if (router !== but) router.close();
    }
  }

  /** Close the connection to the router, and those to candidates. */
  close() {
    this.#asks += 1;
    const router = this.#router;
    this.#router = null;
    this.#knockNoMore();
    router?.close();
    this.pinging.close();
  }

  /** The router does not know our token: come back as somebody new, or with the login. False: we are
   * nobody else by that. */
  forget() {
    const known = this.token !== "";
    if (known) this.#keep("");
    return known && !this.#passport.login;
  }

  /** Whether to come back would not help after an end with this code. */
  final(code) {
    const renews = typeof this.#passport.login === "function";
    return FINAL.has(code) || (code === "login_refused" && !renews);
  }

  #keep(token) {
    this.token = token;
    this.#passport.store.save(token);
  }

  // What the connection to the router tells.

  /** A router lets us in: it is the one. */
  greeted(connection) {
    this.#router = connection;
    this.#knockNoMore(connection);
  }

  /** This is who we are from now on. */
  identified(name, token) {
    this.name = name;
    this.#keep(token);
    this.#told.tell("identity", name);
  }

  /** The router wants to know the round trips to these. */
  asked(candidates) {
    this.pinging.ask(candidates);
  }

  /** Our place in line; 0: we stand in line no more. */
  queued(position, estimateS) {
    const before = this.position;
    this.position = position;
    this.estimateS = estimateS;
    if (position !== before) this.#told.tell("position", position);
  }

  /** There is a place. */
  redirected(connection, where) {
    if (connection !== this.#router) return;
    this.queued(0, null);
    this.#guest.sent(where);
  }

  /** The router is gone, or ends it. One that has not let us in is not the only one. */
  lost(connection, why) {
    const knocked = this.#knocking.get(connection);
    if (!knocked && connection !== this.#router) return;
    clearTimeout(knocked?.another);
    this.#knocking.delete(connection);
    this.#router = null;
    if (ELSEWHERE.includes(why.code) && this.#routers.next(this.#asked)) {
      this.pinging.close();
      this.#knock();
    } else if (!this.#knocking.size) {
      this.#guest.turnedAway(why);
    }
  }
}

/** What the program gets as a login, in time. */
async function gotten(login) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`none within ${LOGIN_S} s`)), LOGIN_S * 1000);
  });
  try {
    const fresh = await Promise.race([login(), late]);
    if (typeof fresh !== "string" || !fresh || fresh.length > LOGIN_LIMIT) {
      throw new BadInput(`a login is text, of 1 to ${LOGIN_LIMIT} characters`);
    }
    return fresh;
  } finally {
    clearTimeout(timer);
  }
}
