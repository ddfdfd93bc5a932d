// Ninety days of the fleet as one bar each, and what went wrong in them. What Graphite does not know
// is drawn as unknown, and counts neither way.

const SHORT = 0.999; // of a day: a minute and a half is a short interruption
const by = (id) => document.getElementById(id);

/** How a day is drawn: its share of up time (0 to 1, null where nothing is known). */
export function dayWord(up) {
  if (up == null) return "unknown";
  if (up >= 1) return "up";
  return up >= SHORT ? "short" : "long";
}

/** "100%", "99.98%": never rounded up to all. */
export function shareOf(up) {
  if (up == null) return "unknown";
  if (up >= 1) return "100%";
  return `${Math.min(99.99, Math.floor(up * 10000) / 100).toFixed(2)}%`;
}

/** "12 s", "5 min", "3 h". */
export function lasting(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1).replace(/\.0$/u, "")} h`;
}

const day = (at) => new Date(at * 1000).toLocaleDateString([], { day: "numeric", month: "short" });
const time = (at) => new Date(at * 1000).toLocaleString([], { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hour12: false });

/** Show an answer of api/v1/uptime.json. */
export function showDays({ available, days = [], up = null, known_days: known = 0, incidents = [] }) {
  if (available == null) return;
  const note = !available ? "Graphite does not answer: nothing is known for now."
    : known ? `${shareOf(up)} of what Graphite knows of ${known} day${known === 1 ? "" : "s"}: a second counts when a player could have joined` : "Graphite knows of no day yet";
  by("uptime-note").textContent = note;
  by("days").replaceChildren(...days.map((each) => {
    const bar = Object.assign(document.createElement("i"), { title: `${day(each.at)}: ${shareOf(each.up)}` });
    bar.dataset.day = dayWord(each.up);
    return bar;
  }));
  by("days").setAttribute("role", "img");
  by("days").setAttribute("aria-label", `Each of the last ${days.length} days as a bar. ${note}`);
  if (!incidents.length) return;
  by("incidents").replaceChildren(...incidents.map(({ at, seconds, text }) => {
    const whole = document.createElement("li");
    const when = Object.assign(document.createElement("time"), { textContent: time(at), dateTime: new Date(at * 1000).toISOString() });
    whole.append(when, text || `Nobody could join for ${lasting(seconds)}`);
    return whole;
  }));
}
