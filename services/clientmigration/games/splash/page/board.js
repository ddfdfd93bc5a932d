// A board of Splash: its bytes, and how it is drawn. Strokes of one's own are seen at once.

export const WIDE = 24, HIGH = 16;
export const TEAMS = ["nobody", "Red", "Blue", "Yellow", "Green"];
const COLOURS = ["", "#e4572e", "#2e86de", "#f2b705", "#2a9d5c"];
const SIGNS = ["", "●", "■", "▲", "◆"]; // for those to whom colours look alike
const HEAD = 26; // bytes of a view before its cells
const WET_MS = 450;

export const paint = (column, row) => new Uint8Array([1, column, row]);
export const go = (room) => new Uint8Array([2, room]);

/** A view's body. */
export function look(body) {
  const at = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const [room, team, where, owner] = [0, 1, 2, 3].map((place) => at.getUint8(place));
  return {
    room, team, where, owner,
    players: at.getUint16(4, true), crowns: at.getUint16(6, true), winner: at.getUint8(8),
    strokes: at.getUint32(10, true), match: at.getUint16(14, true),
    wins: [16, 18, 20, 22].map((place) => at.getUint16(place, true)),
    left: at.getUint16(24, true), cells: body.subarray(HEAD),
  };
}

export class Board {
  constructor(field) {
    this.field = field;
    this.canvas = document.createElement("canvas");
    Object.assign(this.canvas.style, { position: "absolute", inset: "0", width: "100%", height: "100%",
      pointerEvents: "none", display: "none", borderRadius: "inherit" });
    this.canvas.setAttribute("aria-hidden", "true");
    field.after(this.canvas);
    this.at = [WIDE / 2, HIGH / 2];
    this.wet = []; // one's own strokes: {cell, team, since}
    this.theme();
  }

  theme() {
    const style = getComputedStyle(document.documentElement);
    const of = (name, other) => style.getPropertyValue(name).trim() || other;
    this.paint = { back: of("--meadow", "#fff"), grid: of("--grid", "#ccc"), ink: of("--ink", "#222") };
    if (this.last) this.draw(this.last);
  }

  show(on) {
    this.canvas.style.display = on ? "" : "none";
    const parent = this.field.parentElement;
    if (getComputedStyle(parent).position === "static") parent.style.position = "relative";
    this.#place();
  }

  #place() {
    const { offsetLeft: left, offsetTop: top, offsetWidth: wide, offsetHeight: high } = this.field;
    Object.assign(this.canvas.style, { inset: "auto", left: `${left}px`, top: `${top}px`, width: `${wide}px`, height: `${high}px` });
    const ratio = Math.min(2, devicePixelRatio || 1);
    const [across, down] = [Math.round(wide * ratio), Math.round(high * ratio)];
    if (this.canvas.width !== across || this.canvas.height !== down) [this.canvas.width, this.canvas.height] = [across, down];
  }

  /** The cell at this place of the field (0 to 1), or null beside the board. */
  cell([across, down]) {
    const { size, left, top } = this.#frame();
    const column = Math.floor((across * this.canvas.width - left) / size);
    const row = Math.floor((down * this.canvas.height - top) / size);
    if (column < 0 || row < 0 || column >= WIDE || row >= HIGH) return null;
    this.at = [column, row];
    return this.at;
  }

  step([right, down]) {
    this.at = [Math.min(WIDE - 1, Math.max(0, this.at[0] + right)), Math.min(HIGH - 1, Math.max(0, this.at[1] + down))];
  }

  /** A stroke of one's own, seen before the server has said so. */
  splash(cell, team) {
    this.wet.push({ cell: [...cell], team, since: performance.now() });
  }

  #frame() {
    const { width, height } = this.canvas;
    const size = Math.floor(Math.min(width / (WIDE + 1), height / (HIGH + 3.5)));
    return { size, left: Math.round((width - size * WIDE) / 2), top: Math.round((height - size * (HIGH + 2)) / 2 + size * 2) };
  }

  draw(seen) {
    this.last = seen;
    this.#place();
    const pen = this.canvas.getContext("2d"), { size, left, top } = this.#frame();
    const now = performance.now();
    this.wet = this.wet.filter((each) => now - each.since < WET_MS);
    const cells = Uint8Array.from(seen.cells);
    for (const { cell: [column, row], team } of this.wet) cells[row * WIDE + column] = team;
    pen.fillStyle = this.paint.back;
    pen.fillRect(0, 0, this.canvas.width, this.canvas.height);
    this.#bar(pen, seen, cells, size, left, top);
    pen.strokeStyle = this.paint.grid;
    pen.strokeRect(left - 0.5, top - 0.5, size * WIDE + 1, size * HIGH + 1);
    for (let row = 0; row < HIGH; row += 1) {
      for (let column = 0; column < WIDE; column += 1) {
        const team = cells[row * WIDE + column];
        if (!team) continue;
        pen.fillStyle = COLOURS[team];
        pen.beginPath();
        pen.roundRect(left + column * size + 1, top + row * size + 1, size - 2, size - 2, size / 4);
        pen.fill();
      }
    }
    for (const { cell: [column, row], team, since } of this.wet) {
      const grown = (now - since) / WET_MS;
      pen.globalAlpha = 1 - grown;
      pen.strokeStyle = COLOURS[team];
      pen.lineWidth = size / 8;
      pen.beginPath();
      pen.arc(left + (column + 0.5) * size, top + (row + 0.5) * size, size * (0.5 + grown), 0, Math.PI * 2);
      pen.stroke();
      pen.globalAlpha = pen.lineWidth = 1;
    }
    pen.strokeStyle = this.paint.ink;
    pen.lineWidth = Math.max(1, size / 12);
    pen.strokeRect(left + this.at[0] * size, top + this.at[1] * size, size, size);
    pen.lineWidth = 1;
  }

  /** How much of the board each team has, and how often each has won. */
  #bar(pen, seen, cells, size, left, top) {
    const counts = [0, 0, 0, 0, 0];
    for (const team of cells) counts[team] += 1;
    const wide = size * WIDE, high = size * 0.5;
    let from = left;
    for (let team = 1; team <= 4; team += 1) {
      const part = wide * counts[team] / (WIDE * HIGH);
      pen.fillStyle = COLOURS[team];
      pen.fillRect(from, top - size * 0.8, part, high);
      from += part;
    }
    pen.strokeStyle = this.paint.grid;
    pen.strokeRect(left - 0.5, top - size * 0.8 - 0.5, wide + 1, high + 1);
    pen.font = `${Math.round(size * 0.62)}px system-ui, sans-serif`;
    pen.textBaseline = "alphabetic";
    for (let team = 1; team <= 4; team += 1) {
      const x = left + (team - 1) * wide / 4;
      pen.fillStyle = COLOURS[team];
      pen.fillText(SIGNS[team], x, top - size * 1.1);
      pen.fillStyle = this.paint.ink;
      const name = team === seen.team ? "You" : TEAMS[team];
      pen.fillText(`${name} ${counts[team]}, won ${seen.wins[team - 1]}`, x + size * 0.8, top - size * 1.1, wide / 4 - size);
    }
  }
}
