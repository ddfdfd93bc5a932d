// The fleet beside the world: sums, a table of servers, the latest moves. Only what changed is touched.

import { mark } from "./marks.js";

const WORDS = { fit: "● fit", strained: "▲ strained", overloaded: "■ overloaded", silent: "✕ silent" };
const STATES = {
  up: "live", stale: "stale", down: "router down", lost: "no connection", wait: "connecting",
};
const by = (id) => document.getElementById(id);

function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function make(name, fields = {}, ...inside) {
  const element = Object.assign(document.createElement(name), fields);
  element.append(...inside);
  return element;
}

const percent = (share) => `${Math.round(100 * share)}%`;
const count = (number) => number.toLocaleString("en");
/** How many of the pairs of players who see each other play on two servers. */
export const split = ({ pairs, pairs_split: apart }) => (pairs ? percent(apart / pairs) : "–");

export const ms = (value, digits = value < 100 ? 1 : 0) => (value == null ? "–" : `${value.toFixed(digits)} ms`);
export const many = (number, word) => `${count(number)} ${word}${number === 1 ? "" : "s"}`;

/** What the missed ticks are of, in words: all the moves that were felt, or none yet. */
export const missedOf = ({ felt }) => (felt ? `in ${many(felt, "live move")}` : "nobody was moved yet");

const isZone = (each) => each.servers !== undefined;

/** The rows of a tree of routers, each before what is below it; without zones just the servers. */
export function* below(above, depth, servers, zones) {
  for (const each of servers) if ((each.zone ?? "") === above) yield { each, depth };
  for (const each of zones) {
    if (each.above !== above) continue;
    yield { each, depth };
    yield* below(each.name, depth + 1, servers, zones);
  }
}

export class Fleet {
  constructor() {
    this.rows = new Map();
    this.state = "wait";
    this.shownMoves = "";
  }

  /** Show a status document. */
  show(status) {
    this.become(status.state);
    const { fleet, servers, moves, zones = [] } = status;
    if (!fleet) return;
    say(by("sum-players"), count(fleet.players));
    say(by("sum-servers"), `on ${many(fleet.servers, "server")}`);
    say(by("sum-moves"), count(fleet.moves_settled));
    say(by("sum-missed"), fleet.felt ? count(fleet.missed) : "–");
    say(by("sum-missed-of"), missedOf(fleet));
    const gaps = moves.map((move) => move.gap_ms).filter((gap) => gap != null).sort((a, b) => a - b);
    say(by("sum-gap"), gaps.length ? ms(gaps[gaps.length >> 1]) : "–");
    say(by("split"), fleet.pairs ? `Of those who see each other ${split(fleet)} play on two servers.` : "");
    this.#servers(servers, zones);
    this.#moves(moves);
  }

  /** The state changed, perhaps: said once, also to those who listen. */
  become(state) {
    if (state === this.state) return;
    if (this.state !== "wait" || state !== "up") say(by("news"), `Fleet: ${STATES[state]}`);
    this.state = state;
    by("state").dataset.state = document.body.dataset.state = state;
    say(by("state-text"), STATES[state]);
  }

  #servers(servers, zones) {
    const body = by("servers");
    const shown = [...below("", 0, servers, zones)];
    const keys = shown.map(({ each, depth }) => `${depth} ${each.name}`);
    if (keys.join() !== [...this.rows.keys()].join() || !this.filled) {
      this.filled = true;
      this.rows = new Map(shown.map(({ each, depth }, at) => [keys[at], this.#row(each, depth)]));
      const none = make("tr", { role: "row" }, make("td", { role: "cell", colSpan: 6, className: "empty", textContent: "No game server is attached" }));
      body.replaceChildren(...(shown.length ? [...this.rows.values()].map((row) => row.whole) : [none]));
      by("legend").replaceChildren(...servers.map((each) => make("li", {}, mark(each.number), each.name)));
    }
    shown.forEach(({ each }, at) => this.#fill(this.rows.get(keys[at]), each));
  }

  #row(server, depth) {
    const cell = (className, before = "") => {
      const made = make("td", { role: "cell", className });
      if (before) made.dataset.before = before; // on a phone there is no row of headings
      return made;
    };
    const row = { grade: cell("grade"), players: cell("number"), load: cell("number load"), health: cell("number", "health"), tick: cell("number", "tick") };
    row.name = make("span");
    row.meter = make("meter", { min: 0, max: 1, low: 0.6, high: 0.85, optimum: 0.2 });
    row.loadText = make("span");
    row.load.append(row.meter, row.loadText);
    const sign = isZone(server) ? make("span", { className: "sign-zone", ariaHidden: "true", textContent: "▾" }) : mark(server.number);
    const head = make("th", { role: "rowheader", scope: "row" }, sign, row.name);
    head.style.setProperty("--depth", depth);
    row.whole = make("tr", { role: "row", className: isZone(server) ? "zone" : "" }, head, row.grade, row.players, row.load, row.health, row.tick);
    return row;
  }

  #fill(row, server) {
    say(row.name, server.name);
    row.grade.dataset.grade = server.grade;
    const cut = server.closed === "unreachable" ? ", unreachable" : "";
    say(row.grade, (WORDS[server.grade] ?? server.grade) + (server.draining ? ", draining" : cut));
    say(row.players, `${server.players} / ${server.capacity}`);
    row.meter.value = Math.min(1, server.load);
    row.meter.setAttribute("aria-label", `Load of ${server.name}`);
    say(row.loadText, percent(server.load));
    if (isZone(server)) {
      say(row.health, many(server.servers, "server"));
      return;
    }
    row.health.classList.toggle("poor", server.health < 0.5);
    say(row.health, `${server.health < 0.5 ? "▲ " : ""}${percent(server.health)}`);
    say(row.tick, ms(server.tick_ms));
  }

  #moves(moves) {
    const key = JSON.stringify(moves);
    if (key === this.shownMoves) return;
    this.shownMoves = key;
    if (!moves.length) return;
    by("moves").replaceChildren(...moves.map((move) => make("li", {},
      make("time", { textContent: new Date(move.at * 1000).toLocaleTimeString([], { hour12: false }) }),
      make("span", { textContent: `${move.source} to ${move.target}` }),
      make("span", { className: "gap", textContent: move.outcome === "settled" ? felt(move) : move.outcome.replace("_", " ") }))));
  }
}

/** What a move cost, in words. */
export function felt({ gap_ms: gap, missed }) {
  if (gap == null) return "moved";
  const ticks = missed == null ? "" : `${missed ? many(missed, "tick") : "no tick"} missed, `;
  return `${ticks}waited ${ms(gap)} more`;
}
