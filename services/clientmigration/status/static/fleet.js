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

export class Fleet {
  constructor() {
    this.rows = new Map();
    this.state = "wait";
    this.shownMoves = "";
  }

  /** Show a status document. */
  show(status) {
    this.become(status.state);
    const { fleet, servers, moves } = status;
    if (!fleet) return;
    say(by("sum-players"), count(fleet.players));
    say(by("sum-servers"), `on ${many(fleet.servers, "server")}`);
    say(by("sum-moves"), count(fleet.moves_settled));
    say(by("sum-missed"), fleet.felt ? count(fleet.missed) : "–");
    say(by("sum-missed-of"), missedOf(fleet));
    const gaps = moves.map((move) => move.gap_ms).filter((gap) => gap != null).sort((a, b) => a - b);
    say(by("sum-gap"), gaps.length ? ms(gaps[gaps.length >> 1]) : "–");
    say(by("split"), fleet.pairs ? `Of those who see each other ${split(fleet)} play on two servers.` : "");
    this.#servers(servers);
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

  #servers(servers) {
    const body = by("servers");
    if (servers.map((each) => each.name).join() !== [...this.rows.keys()].join() || !this.filled) {
      this.filled = true;
      this.rows = new Map(servers.map((each) => [each.name, this.#row(each)]));
      const none = make("tr", { role: "row" }, make("td", { role: "cell", colSpan: 6, className: "empty", textContent: "No game server is attached" }));
      body.replaceChildren(...(servers.length ? [...this.rows.values()].map((row) => row.whole) : [none]));
      by("legend").replaceChildren(...servers.map((each) => make("li", {}, mark(each.number), each.name)));
    }
    for (const each of servers) this.#fill(this.rows.get(each.name), each);
  }

  #row(server) {
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
    const head = make("th", { role: "rowheader", scope: "row" }, mark(server.number), row.name);
    row.whole = make("tr", { role: "row" }, head, row.grade, row.players, row.load, row.health, row.tick);
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
