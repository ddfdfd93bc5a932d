// What operators announce, above everything: maintenance that is planned, or something that is wrong.
// And links that the daemon was told of.

const by = (id) => document.getElementById(id);
let shown = "";

const when = (at) => new Date(at * 1000).toLocaleString([], { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hour12: false });

/** "Planned for", "Now, until": how a notice stands at `now` (Unix seconds). */
export function standing({ kind, start, end }, now) {
  if (kind === "incident") return "Known problem";
  if (now < start) return "Planned maintenance";
  return end && now < end ? "Maintenance now" : "Maintenance";
}

function time(at) {
  return Object.assign(document.createElement("time"), { dateTime: new Date(at * 1000).toISOString(), textContent: when(at) });
}

function line(notice, now) {
  const whole = document.createElement("p");
  whole.dataset.kind = notice.kind;
  const word = document.createElement("b");
  word.textContent = standing(notice, now);
  whole.append(word, notice.text);
  if (notice.start) whole.append(time(notice.start), ...(notice.end ? ["to", time(notice.end)] : []));
  return whole;
}

/** Show the notices and links of a status document. */
export function showNotices({ notices = [], links = {}, at }) {
  const key = JSON.stringify([notices.map((each) => [each, standing(each, at)]), links]);
  if (key === shown) return;
  shown = key;
  by("notices").hidden = !notices.length;
  by("notices").replaceChildren(...notices.map((each) => line(each, at)));
  const WORDS = { docs: "Documentation", grafana: "Grafana" };
  by("links").replaceChildren(...Object.keys(WORDS).filter((name) => links[name]).map((name) => {
    const to = links[name].startsWith(":") ? `${location.protocol}//${location.hostname}${links[name]}` : links[name];
    return Object.assign(document.createElement("a"), { href: to, textContent: WORDS[name] });
  }));
}
