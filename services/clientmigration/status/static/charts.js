// Line charts with an axis, a legend and a cursor, in SVG: nothing to load, no canvas to blur, and a
// screen reader gets a sentence. Arithmetic first, then drawing.

import { mark, shape, tint } from "./marks.js";

const WIDE = 300;
const HIGH = 100;
const SPACE = "http://www.w3.org/2000/svg";

function draw(name, attributes) {
  const element = document.createElementNS(SPACE, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

function make(name, fields = {}, ...inside) {
  const element = Object.assign(document.createElement(name), fields);
  element.append(...inside);
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

/** Which point of `count` a cursor at `share` (0 to 1) of the width is nearest to. */
export const nearest = (share, count) => Math.min(count - 1, Math.max(0, Math.round(share * (count - 1))));

/** "now", "40 s ago", "9 min ago". */
export function ago(seconds) {
  if (seconds < 5) return "now";
  return seconds < 90 ? `${Math.round(seconds)} s ago` : `${Math.round(seconds / 60)} min ago`;
}

const known = (value) => value != null;

/** One chart, drawn again whenever its lines or the servers' numbers are new. It is made of {title,
 *  unit, times, digits, most}; `step` is the seconds between two points. */
export class Chart {
  constructor(how) {
    this.how = how;
    this.at = null; // which point the cursor is on
    this.value = make("b");
    this.svg = draw("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, preserveAspectRatio: "none", "aria-hidden": "true" });
    this.cursor = draw("line", { class: "cursor", y1: 0, y2: HIGH, visibility: "hidden" });
    this.top = make("span");
    this.middle = make("span");
    this.scale = make("div", { className: "scale", ariaHidden: "true" }, this.top, this.middle, make("span", { textContent: "0" }));
    this.told = make("ul", { className: "told", hidden: true });
    this.plot = make("div", { className: "plot", tabIndex: 0 }, this.svg, this.told);
    this.plot.setAttribute("role", "img");
    this.ends = make("div", { className: "ends" });
    this.whole = make("figure", { className: "chart" }, make("figcaption", {}, how.title, this.value), this.scale, this.plot, this.ends);
    this.plot.addEventListener("pointermove", (event) => this.#point(event));
    this.plot.addEventListener("pointerdown", (event) => this.#point(event));
    for (const name of ["pointerleave", "blur"]) this.plot.addEventListener(name, () => this.#look(null));
    this.plot.addEventListener("keydown", (event) => this.#key(event));
  }

  #show = (value) => (known(value) ? `${(value * (this.how.times ?? 1)).toFixed(this.how.digits ?? 0)}${this.how.unit ?? ""}` : "–");

  /** Show these lines: [{name, points}]. `numbers` has the servers' numbers, by name. */
  show(lines, step, numbers) {
    [this.lines, this.step, this.numbers] = [lines, step, numbers];
    this.count = Math.max(0, ...lines.map(({ points }) => points.length));
    const highest = Math.max(0, ...lines.flatMap(({ points }) => points).filter(known));
    const most = Math.max(this.how.most ?? 0, above(highest * 1.05));
    const latest = lines.map(({ points }) => points.findLast(known)).filter(known);
    this.value.textContent = this.#show(latest.length ? Math.max(...latest) : null);
    this.top.textContent = this.#show(most);
    this.middle.textContent = this.#show(most / 2);
    const back = (this.count * step) / 60;
    this.ends.replaceChildren(...[`${Math.round(back)} min ago`, `${Math.round(back / 2)} min`, "now"].map((textContent) => make("span", { textContent })));
    this.plot.setAttribute("aria-label", `${this.how.title}: ${this.value.textContent} now, at most ${this.#show(highest)} in the last ${Math.round(back)} minutes. Arrow keys read single points.`);
    const rules = [0, 0.5, 1].map((share) => draw("line", { class: "axis", x1: 0, x2: WIDE, y1: HIGH * share, y2: HIGH * share }));
    this.svg.replaceChildren(...rules, this.cursor, ...lines.map((each) => this.#line(each, most)));
    if (known(this.at)) this.#look(this.at);
  }

  #line({ name, points }, most) {
    const path = draw("path", { d: line(points, most) });
    const number = this.numbers.get(name);
    path.style.stroke = number ? `var(--s${tint(number)})` : "var(--accent)";
    if (number && shape(number) !== tint(number)) path.style.strokeDasharray = "5 3"; // a colour that came again
    return path;
  }

  #point(event) {
    const box = this.svg.getBoundingClientRect();
    this.#look(nearest((event.clientX - box.left) / box.width, this.count));
  }

  #key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || !this.count) return;
    event.preventDefault();
    this.#look(Math.min(this.count - 1, Math.max(0, (this.at ?? this.count) + step)));
    this.plot.setAttribute("aria-label", this.told.innerText.replaceAll("\n", ", "));
  }

  /** What the lines said at one point; null: nobody asks. */
  #look(at) {
    this.at = this.count ? at : null;
    this.told.hidden = !known(this.at);
    this.cursor.setAttribute("visibility", known(this.at) ? "visible" : "hidden");
    if (!known(this.at)) return;
    const x = (this.at * WIDE) / Math.max(1, this.count - 1);
    for (const end of ["x1", "x2"]) this.cursor.setAttribute(end, x);
    this.told.classList.toggle("left", x > WIDE / 2);
    const when = make("li", { className: "when", textContent: ago((this.count - 1 - this.at) * this.step) });
    this.told.replaceChildren(when, ...this.lines.map(({ name, points }) => {
      const number = this.numbers.get(name);
      const value = make("b", { textContent: this.#show(points[this.at]) });
      return make("li", {}, ...(number ? [mark(number)] : []), make("span", { textContent: this.lines.length > 1 || number ? name : "" }), value);
    }));
  }
}
