// What Graphite remembers, asked now and then: the charts of ten minutes, and the days of the fleet.

import { Chart } from "./charts.js";
import { mark } from "./marks.js";
import { showDays } from "./days.js";

const AGAIN_MS = 10000;
const DAYS_MS = 300000;
const by = (id) => document.getElementById(id);

const CHARTS = {
  players: { title: "Players" },
  load: { title: "Load, by server", unit: "%", times: 100, most: 0.5 },
  tick_ms: { title: "Tick (99th percentile)", unit: " ms", digits: 1, most: 5 },
  moves: { title: "Moves per second", digits: 1, most: 1 },
  gap_ms: { title: "Extra wait in a move", unit: " ms", digits: 1, most: 25 },
};
const TOLD = { null: "Asking Graphite", true: "From Graphite", false: "Graphite does not answer: no history for now. Everything else works." };

/** Draws the charts, in the colours that `numbers` (of servers, by name) give. */
class Charts {
  constructor(numbers) {
    this.numbers = numbers;
    this.charts = new Map();
    this.history = null;
  }

  show(history = this.history) {
    this.history = history;
    if (!history?.available || !this.numbers.size) return; // colours are known with the first status
    for (const [name, how] of Object.entries(CHARTS)) {
      const lines = history.series[name];
      if (!lines?.length) continue;
      if (!this.charts.has(name)) {
        this.charts.set(name, new Chart(how));
        by("charts").replaceChildren(...Object.keys(CHARTS).flatMap((each) => this.charts.get(each)?.whole ?? []));
      }
      this.charts.get(name).show(lines, history.step_s, this.numbers);
    }
    const drawn = (history.series.load ?? []).map(({ name }) => name).filter((name) => this.numbers.has(name));
    if (by("keys").textContent === drawn.join("")) return;
    by("keys").replaceChildren(...drawn.map((name) => {
      const key = document.createElement("li");
      key.append(mark(this.numbers.get(name)), name);
      return key;
    }));
  }
}

/** Asks `url` now and again, but not while the page is hidden; `take` answers how soon, in ms. */
function keepAsking(url, take) {
  const ask = async () => {
    let again = AGAIN_MS;
    try {
      const answer = await fetch(url);
      if (!answer.ok) throw new Error(`${answer.status}`);
      again = take(await answer.json());
    } catch {
      again = take({ available: false, failed: true });
    }
    setTimeout(() => (document.hidden ? document.addEventListener("visibilitychange", ask, { once: true }) : ask()), again);
  };
  ask();
}

/** Begins; what is answered is to be called when the servers' numbers have changed. */
export function recall(numbers) {
  const charts = new Charts(numbers);
  keepAsking("api/v1/history.json", (history) => {
    by("history-note").textContent = history.failed ? "No history for now." : TOLD[history.available];
    by("charts").toggleAttribute("data-none", history.available === false && !by("charts").children.length);
    charts.show(history);
    return history.available == null ? 1000 : AGAIN_MS;
  });
  keepAsking("api/v1/uptime.json", (uptime) => {
    showDays(uptime);
    return uptime.available == null ? 2000 : uptime.available ? DAYS_MS : 6 * AGAIN_MS;
  });
  return () => charts.show();
}
