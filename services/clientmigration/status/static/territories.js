// Whose ground is whose: where more than half of those nearby play on one server. No drawing here.

const LEAST = 0.26; // of one player's weight: its ground ends 70 m away where nobody else is
const SIGHT = 2; // cells: how far away a player still counts, as far as it can see at most
const ALONE = 4; // players in a cell; with more of them each counts less far, so that a crowd has borders too
const FINE = 3; // points of the grid along a cell
const NARROWEST = 0.8; // cells
const SPECK = 400; // square metres: what is smaller is neither ground nor a hole in it

/** Densities of players by server over a grid of points, and the outlines that follow from them. */
export class Territories {
  constructor() {
    this.fields = new Map(); // server -> {now, next}: players near each point, weighted
    this.wide = 0;
  }

  /** Where everybody is: `players` have {x, y, server} in metres. Shown once `ease` has come there. */
  heard(players, size, cell) {
    this.step = cell / FINE;
    const wide = Math.ceil(size / this.step) + 3; // a ring of points outside, on which nobody stands
    if (wide !== this.wide) { this.wide = wide; this.fields.clear(); }
    for (const field of this.fields.values()) field.next.fill(0);
    const there = [...players];
    const place = ({ x, y }) => Math.floor(x / cell) + Math.floor(y / cell) * wide;
    const counts = new Map();
    for (const each of there) counts.set(place(each), (counts.get(place(each)) ?? 0) + 1);
    for (const each of there) {
      const reach = Math.max(NARROWEST, SIGHT * Math.min(1, Math.sqrt(ALONE / counts.get(place(each)))));
      this.#add(this.#of(each.server).next, each.x / this.step + 1, each.y / this.step + 1, reach * FINE);
    }
    for (const [server, { now, next }] of this.fields) {
      if (!now.some((value) => value > 0.001) && !next.some(Boolean)) this.fields.delete(server);
    }
  }

  #of(server) {
    if (!this.fields.has(server)) {
      this.fields.set(server, { now: new Float32Array(this.wide ** 2), next: new Float32Array(this.wide ** 2) });
    }
    return this.fields.get(server);
  }

  #add(field, across, along, reach) {
    const last = this.wide - 1;
    for (let row = Math.max(0, Math.ceil(along - reach)); row <= Math.min(last, along + reach); row += 1) {
      for (let column = Math.max(0, Math.ceil(across - reach)); column <= Math.min(last, across + reach); column += 1) {
        const far = ((column - across) ** 2 + (row - along) ** 2) / reach ** 2;
        if (far < 1) field[row * this.wide + column] += (1 - far) ** 2;
      }
    }
  }

  /** Come so much nearer (0 to 1) to what was heard last. */
  ease(part) {
    for (const { now, next } of this.fields.values()) {
      for (let at = 0; at < now.length; at += 1) now[at] += (next[at] - now[at]) * part;
    }
  }

  /** The grounds that there are: [{server, loops, x, y}], with closed lines of points [x, y] and a
      point within the widest of them, metres. */
  grounds() {
    const half = new Float32Array(this.wide ** 2); // of everybody
    for (const { now } of this.fields.values()) for (let at = 0; at < half.length; at += 1) half[at] += now[at] / 2;
    const inside = new Float32Array(half.length);
    const found = [];
    for (const [server, { now }] of this.fields) {
      for (let at = 0; at < half.length; at += 1) inside[at] = now[at] - Math.max(half[at], LEAST);
      const loops = this.#loops(inside);
      if (loops.length) found.push({ server, loops, ...this.#middle(loops, inside) });
    }
    return found;
  }

  /** Marching squares: lines where `inside` is 0, joined to closed loops. */
  #loops(inside) {
    const wide = this.wide;
    for (let at = 0; at < wide; at += 1) {
      for (const edge of [at, at + wide * (wide - 1), at * wide, at * wide + wide - 1]) inside[edge] = -1;
    }
    const next = new Map(); // from where a line enters a square to where it leaves it
    for (let row = 0; row < wide - 1; row += 1) {
      for (let at = row * wide; at < row * wide + wide - 1; at += 1) {
        const above = at + wide;
        const kind = (inside[at] > 0) | (inside[at + 1] > 0) << 1 | (inside[above + 1] > 0) << 2 | (inside[above] > 0) << 3;
        if (kind === 0 || kind === 15) continue;
        const sides = [2 * at, 2 * at + 3, 2 * above, 2 * at + 1]; // below, right, above, left
        for (const [from, to] of LINES[kind]) next.set(sides[from], sides[to]);
      }
    }
    const loops = [];
    for (const first of next.keys()) {
      const loop = [];
      for (let side = first; next.has(side);) {
        loop.push(this.#crossing(inside, side));
        const to = next.get(side);
        next.delete(side);
        side = to;
      }
      if (loop.length && Math.abs(centre(loop).area) > SPECK) loops.push(loop);
    }
    return loops;
  }

  #crossing(inside, side) {
    const at = side >> 1;
    const other = side & 1 ? at + this.wide : at + 1;
    const part = inside[at] / (inside[at] - inside[other]);
    const [x, y] = [at % this.wide, Math.floor(at / this.wide)];
    return [(x - 1 + (side & 1 ? 0 : part)) * this.step, (y - 1 + (side & 1 ? part : 0)) * this.step];
  }

  /** The middle of the widest loop, or the point nearest to it that is the server's. */
  #middle(loops, inside) {
    const [{ x, y }] = loops.map(centre).sort((one, other) => other.area - one.area);
    const [across, along] = [x / this.step + 1, y / this.step + 1];
    if (inside[Math.round(along) * this.wide + Math.round(across)] > 0) return { x, y };
    let [least, nearest] = [Infinity, 0];
    for (let at = 0; at < inside.length; at += 1) {
      if (inside[at] <= 0) continue;
      const far = (at % this.wide - across) ** 2 + (Math.floor(at / this.wide) - along) ** 2;
      if (far < least) [least, nearest] = [far, at];
    }
    return { x: (nearest % this.wide - 1) * this.step, y: (Math.floor(nearest / this.wide) - 1) * this.step };
  }
}

// Lines through a square by which of its corners are inside, which lies to the left of each line.
const [BELOW, RIGHT, ABOVE, LEFT] = [0, 1, 2, 3];
const LINES = [
  [], [[BELOW, LEFT]], [[RIGHT, BELOW]], [[RIGHT, LEFT]], [[ABOVE, RIGHT]], [[BELOW, LEFT], [ABOVE, RIGHT]],
  [[ABOVE, BELOW]], [[ABOVE, LEFT]], [[LEFT, ABOVE]], [[BELOW, ABOVE]], [[RIGHT, BELOW], [LEFT, ABOVE]],
  [[RIGHT, ABOVE]], [[LEFT, RIGHT]], [[BELOW, RIGHT]], [[LEFT, BELOW]], [],
];

function centre(loop) {
  let [area, x, y] = [0, 0, 0];
  loop.forEach(([fromX, fromY], n) => {
    const [toX, toY] = loop[(n + 1) % loop.length];
    const part = fromX * toY - toX * fromY;
    area += part; x += (fromX + toX) * part; y += (fromY + toY) * part;
  });
  return area ? { area: area / 2, x: x / (3 * area), y: y / (3 * area) } : { area: 0, x: loop[0][0], y: loop[0][1] };
}
