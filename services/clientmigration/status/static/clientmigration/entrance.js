/*
 * The way in: tells the router who we are, hears where to play, or our place in line meanwhile.
 *
 * It knows the player's name and token, and is the only one to change them. When to ask the router,
 * and what a redirect leads to, is not decided here.
 */

import { RouterConnection } from "./connections.js";
import { hashed } from "./digest.js";
import { BadInput } from "./errors.js";
import { Pinging } from "./pinging.js";

const SEEK_S = 10; // to find the router and hear its greeting
const [GROUP_LIMIT, TOKEN_LIMIT] = [64, 1024]; // characters: more the router would not read
const LOGIN_LIMIT = 2560; // of a login
const LOGIN_S = 10; // for the program to get one

/** After such an end, to come back would not help. */
const FINAL = new Set([
  ...["replaced", "not_our_protocol", "banned", "kicked", "login_required", "bad_name"],
]);

/**
 * One player's way in. `passport` is what it shows: `router` (a URL), `secret`, `group`, the `store`
 * of its token, and a `login` instead of that, or a function that gets one. `guest` is whoever comes in: it is told `sent(where)` and
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
  #router = null;
  #knocks = 0; // the newest one counts

  constructor(net, passport, guest, told) {
    const long = [...passport.group].length;
    if (long > GROUP_LIMIT) {
      throw new BadInput(`a group of ${long} characters, ${GROUP_LIMIT} are allowed`);
    }
    this.#net = net;
    this.#passport = passport;
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

  /** Connect to the router and ask for a place. */
  ask() {
    const { login } = this.#passport;
    const knock = ++this.#knocks;
    if (!login || this.token) {
      this.#sayHello({});
    } else if (typeof login === "string") {
      this.#sayHello({ login });
    } else {
      gotten(login).then(
        (fresh) => knock === this.#knocks && this.#sayHello({ login: fresh }),
        (error) => {
          const why = { code: "", text: `no login: ${error?.message ?? error}` };
          if (knock === this.#knocks) this.#guest.turnedAway(why);
        },
      );
    }
  }

  /** With the token that we have; or with a login, as long as we have none by it. */
  #sayHello(login) {
    const { router, secret, group } = this.#passport;
    const hello = { holder: hashed(secret), token: this.token, group, ...login };
    this.#router = new RouterConnection(this.#net, router, this, hello);
    this.#router.connect(SEEK_S);
  }

  /** Close the connection to the router, and those to candidates. */
  close() {
    this.#knocks += 1;
    const router = this.#router;
    this.#router = null;
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

  /** The router is gone, or ends it. */
  lost(connection, why) {
    if (connection === this.#router) this.#guest.turnedAway(why);
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
