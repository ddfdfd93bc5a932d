// Small line charts in SVG, instead of a library: nothing to load, no canvas to blur, and a screen
// reader gets a sentence.

import { tint } from "./marks.js";

const WIDE = 300;
const HIGH = 100;
const SPACE = "http://www.w3.org/2000/svg";

function draw(name, attributes) {
  const element = document.createElementNS(SPACE, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

/** "M x y L x y" of the points; a point without a value breaks the line. */
export function line(points, most) {
  const step = WIDE / Math.max(1, points.length - 1);
  let pen = "M";
  let path = "";
  points.forEach((value, n) => {
    if (value == null) { pen = "M"; return; }
    path += `${pen}${(n * step).toFixed(1)} ${(HIGH - (value / most) * HIGH).toFixed(1)}`;
    pen = "L";
  });
  return path;
}

/** A round number a little above. */
export function above(value) {
  const size = 10 ** Math.floor(Math.log10(value || 1));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((times) => times * size).find((each) => each >= value);
}

function spoken(chart, most, latest) {
  return `${chart.title}: ${latest} now, at most ${most.toFixed(chart.digits ?? 0)} in the last ten minutes.`;
}

/** A figure of {title, unit, digits, most, lines: [{name, number, points}]}. */
export function figure(chart, numbers) {
  const all = chart.lines.flatMap((each) => each.points).filter((value) => value != null);
  const highest = Math.max(0, ...all);
  const most = Math.max(chart.most ?? 0, above(highest * 1.05));
  const ends = chart.lines.map((each) => each.points.findLast((value) => value != null)).filter((value) => value != null);
  const show = (value) => `${(value * (chart.times ?? 1)).toFixed(chart.digits ?? 0)}${chart.unit ?? ""}`;
  const latest = ends.length ? show(Math.max(...ends)) : "–";
  const whole = Object.assign(document.createElement("figure"), { className: "chart" });
  const caption = document.createElement("figcaption");
  const value = Object.assign(document.createElement("b"), { textContent: latest });
  caption.append(chart.title, value);
  const svg = draw("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, preserveAspectRatio: "none", role: "img", "aria-label": spoken(chart, highest * (chart.times ?? 1), latest) });
  for (const share of [0, 0.5, 1]) svg.append(draw("line", { class: "axis", x1: 0, x2: WIDE, y1: HIGH * share, y2: HIGH * share }));
  for (const each of chart.lines) {
    const path = draw("path", { d: line(each.points, most) });
    const number = numbers.get(each.name);
    path.style.stroke = number ? `var(--s${tint(number)})` : "var(--accent)";
    svg.append(path);
  }
  const scale = Object.assign(document.createElement("div"), { className: "ends" });
  scale.append(Object.assign(document.createElement("span"), { textContent: "10 min ago" }),
    Object.assign(document.createElement("span"), { textContent: `top ${show(most)}` }),
    Object.assign(document.createElement("span"), { textContent: "now" }));
  whole.append(caption, svg, scale);
  return whole;
}
