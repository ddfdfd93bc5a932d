// Draws the meadow: cells, crowds, servers' grounds, players, and moves as they happen.

import { colours, sprites, tint } from "./marks.js";
import { Places } from "./places.js";
import { Territories } from "./territories.js";

const CROWD = 6; // players in one cell that make a hot spot
const MOVE_MS = 1600;
const FRAME_MS = 30; // thirty pictures a second are enough, and half the work
const NEAR_M = 190; // how much of the meadow one sees while playing
const WIDEST_M = 420; // the same, where hardly anybody is near
const COMPANY = 4; // so many others are to be seen
const SHINE_MS = 1400; // how long the moment of a move is seen
const BORDER_MS = 150; // seven new borders a second look like a line that moves
const EASE_MS = 700; // how long a border takes for most of its way

export class World {
  constructor(canvas, map) {
    this.canvas = canvas;
    this.map = map;
    this.back = document.createElement("canvas"); // the land below the players, which changes less often
    this.places = new Places();
    this.territories = new Territories();
    this.grounds = []; // {server, path, x, y}: see Territories
    this.bordered = 0;
    this.stale = true; // the land has to be drawn anew
    this.hearts = new Map(); // number -> {x, y} where its name stands
    this.servers = [];
    this.moves = [];
    this.me = null; // while playing: {x, y, server, others}
    this.camera = { x: 500, y: 500, span: 1000 };
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    this.seen = true;
    this.drawn = 0;
    new ResizeObserver(() => this.#fit()).observe(canvas);
    new IntersectionObserver(([entry]) => { this.seen = entry.isIntersecting; this.#wake(); }).observe(canvas);
    document.addEventListener("visibilitychange", () => this.#wake());
    this.theme();
  }

  /** The colours have changed. */
  theme() {
    const style = getComputedStyle(document.documentElement);
    const of = (name) => style.getPropertyValue(name).trim();
    this.paint = { halo: of("--halo"), ink: of("--ink"), soft: of("--soft"), ground: of("--meadow"),
      deep: of("--meadow-deep"), grid: of("--grid"), heat: of("--heat"), panel: of("--panel"), gold: of("--gold") };
    this.fills = colours();
    this.#fit();
  }

  /** Where everybody is. */
  heard(world) {
    const now = performance.now();
    for (const move of this.places.heard(world, now)) this.moves.push({ ...move, since: now });
    this.moves = this.moves.filter((move) => now - move.since < MOVE_MS).slice(-80);
    this.#settle();
    this.#wake();
  }

  /** Whose ground is whose. Whoever plays sees those near as they are now, with itself among them, and
   * those far away as they were told of last. */
  #settle() {
    const { players, size, cell } = this.places;
    const far = this.me ? [...players.values()].filter((each) => this.#beyond(each)) : players.values();
    const near = this.me ? [this.me, ...this.me.others] : [];
    this.territories.heard([...near, ...far], size, cell);
  }

  /** Whether one who plays does not see this place in its views. */
  #beyond({ x, y }) {
    const { cell } = this.places;
    const apart = (one, other) => Math.abs(Math.floor(one / cell) - Math.floor(other / cell)) > 1;
    return apart(x, this.me.x) || apart(y, this.me.y);
  }

  /** Servers as the status has them. */
  showServers(servers) {
    this.servers = servers;
    this.#wake();
  }

  /** What a playing visitor sees; null when it has stopped. */
  follow(me) {
    const before = this.me;
    this.me = me;
    if (before && me && before.server && me.server && before.server !== me.server) {
      this.flash = { since: performance.now(), server: me.server };
      this.#settle();
      this.bordered = -Infinity;
    } else if (!before || !me) this.#settle();
    this.#wake();
  }

  /** Which place of the world is at this place of the field (0 to 1, from the upper left). */
  where([across, down]) {
    const { x, y, span } = this.camera;
    return { x: x + (across - 0.5) * span, y: y + (0.5 - down) * span };
  }

  #fit() {
    const box = this.canvas.getBoundingClientRect();
    const ratio = Math.min(2, devicePixelRatio || 1);
    this.scale = ratio;
    this.stale = true;
    for (const canvas of [this.canvas, this.back, this.map]) {
      const wide = Math.round((canvas === this.map ? box.width * 0.24 : box.width) * ratio);
      if (wide && canvas.width !== wide) canvas.width = canvas.height = wide;
    }
    this.marks = sprites(Math.round(Math.max(9, Math.min(13, box.width / 62)) * ratio), this.paint.halo);
    this.bigMarks = sprites(Math.round(19 * ratio), this.paint.halo);
    this.#wake();
  }

  #wake() {
    if (!this.frame && this.seen && !document.hidden) this.frame = requestAnimationFrame((now) => this.#draw(now));
  }

  #draw(now) {
    this.frame = 0;
    if (now - this.drawn < FRAME_MS) { this.#wake(); return; }
    this.drawn = now;
    this.#aim();
    this.#border(now);
    const pen = this.canvas.getContext("2d");
    const wide = this.canvas.width;
    if (this.stale) this.#land(wide);
    pen.drawImage(this.back, 0, 0);
    if (this.me) this.#gold(pen, wide, this.camera);
    this.#players(pen, wide, this.camera, now);
    if (this.me) this.#shine(pen, wide, this.camera, now);
    this.#arcs(pen, wide, this.camera, now);
    if (!this.me) this.#names(pen, wide, this.camera);
    if (this.me) this.#overview(now);
    const settled = this.still.matches && !this.me;
    if (!settled || this.moves.length) this.#wake();
  }

  #aim() {
    const size = this.places.size;
    const to = this.me ? { x: this.me.x, y: this.me.y, span: this.#wide() } : { x: size / 2, y: size / 2, span: size };
    for (const axis of ["x", "y", "span"]) {
      const part = this.still.matches ? 1 : axis === "span" && this.me && this.camera.span < WIDEST_M ? 0.05 : 0.25;
      const step = (to[axis] - this.camera[axis]) * part;
      this.camera[axis] += step;
      if (Math.abs(step) > 0.01) this.stale = true;
    }
  }

  /** How much of the world one sees while playing: enough to see others, if there are any. */
  #wide() {
    const away = [];
    const note = (x, y) => away.push(Math.hypot(x - this.me.x, y - this.me.y));
    for (const { x, y } of this.me.others) note(x, y);
    for (const each of this.places.players.values()) if (this.#beyond(each)) note(each.x, each.y);
    away.sort((one, other) => one - other);
    const company = away[COMPANY - 1] ?? away.at(-1) ?? 0;
    return Math.min(WIDEST_M, Math.max(NEAR_M, 2.3 * company));
  }

  #at(x, y, wide, camera) {
    const scale = wide / camera.span;
    return [(x - camera.x) * scale + wide / 2, wide / 2 - (y - camera.y) * scale];
  }

  #land(wide) {
    const pen = this.back.getContext("2d", { alpha: false });
    this.#ground(pen, wide, this.camera);
    this.#grounds(pen, wide, this.camera);
    this.stale = false;
  }

  #ground(pen, wide, camera) {
    const { size, cell } = this.places;
    const scale = wide / camera.span;
    pen.fillStyle = this.paint.deep;
    pen.fillRect(0, 0, wide, wide);
    const [left, top] = this.#at(0, size, wide, camera);
    pen.fillStyle = this.paint.ground;
    pen.fillRect(left, top, size * scale, size * scale);
    this.#heat(pen, wide, camera, scale);
    pen.strokeStyle = this.paint.grid;
    pen.lineWidth = this.scale;
    pen.beginPath();
    for (let at = 0; at <= size; at += cell) {
      const [x, y] = this.#at(at, at, wide, camera);
      pen.moveTo(x, top); pen.lineTo(x, top + size * scale);
      pen.moveTo(left, y); pen.lineTo(left + size * scale, y);
    }
    pen.stroke();
  }

  #heat(pen, wide, camera, scale) {
    for (const { x, y, count } of this.places.crowded(CROWD)) {
      const [across, down] = this.#at(x, y, wide, camera);
      const radius = this.places.cell * 1.15 * scale;
      const glow = pen.createRadialGradient(across, down, 0, across, down, radius);
      const strength = Math.min(0.42, 0.08 + (count - CROWD) * 0.014);
      glow.addColorStop(0, `rgba(${this.paint.heat}, ${strength})`);
      glow.addColorStop(1, `rgba(${this.paint.heat}, 0)`);
      pen.fillStyle = glow;
      pen.fillRect(across - radius, down - radius, 2 * radius, 2 * radius);
    }
  }

  /** Borders and names are moved on, some times a second. */
  #border(now) {
    const passed = now - this.bordered;
    if (passed < BORDER_MS) return;
    this.bordered = now;
    this.stale = true;
    const part = this.still.matches || !this.grounds.length ? 1 : 1 - Math.exp(-passed / EASE_MS);
    this.territories.ease(part);
    this.grounds = this.territories.grounds().map(({ server, loops, x, y }) => ({ server, path: rounded(loops), x, y }));
    for (const server of this.servers) {
      const to = this.grounds.find((ground) => ground.server === server.number) ?? server;
      const at = this.hearts.get(server.number) ?? { x: to.x, y: to.y };
      this.hearts.set(server.number, { x: at.x + (to.x - at.x) * part, y: at.y + (to.y - at.y) * part });
    }
  }

  #heart(server) {
    return this.hearts.get(server.number) ?? server;
  }

  /** Each server's ground in its colour, with a line along the inside of its border. */
  #grounds(pen, wide, camera) {
    const scale = wide / camera.span;
    const { size } = this.places;
    pen.save();
    pen.setTransform(scale, 0, 0, -scale, wide / 2 - camera.x * scale, wide / 2 + camera.y * scale);
    pen.beginPath();
    pen.rect(0, 0, size, size);
    pen.clip();
    for (const { server, path } of this.grounds) {
      pen.save();
      pen.clip(path);
      pen.fillStyle = pen.strokeStyle = this.fills[tint(server)];
      pen.globalAlpha = 0.16;
      pen.fill(path);
      pen.globalAlpha = 0.8;
      pen.lineWidth = (4 * this.scale) / scale; // the outer half is cut off
      pen.stroke(path);
      pen.restore();
    }
    pen.restore();
  }

  #names(pen, wide, camera) {
    pen.font = `650 ${12.5 * this.scale}px system-ui, sans-serif`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    for (const { server, x, y } of this.#spaced(wide, camera)) {
      const half = pen.measureText(server.name).width / 2 + 9 * this.scale;
      pen.fillStyle = this.paint.panel;
      pen.strokeStyle = this.fills[tint(server.number)];
      pen.lineWidth = 2 * this.scale;
      pen.beginPath();
      pen.roundRect(x - half, y - 11 * this.scale, 2 * half, 22 * this.scale, 11 * this.scale);
      pen.fill();
      pen.stroke();
      pen.fillStyle = this.paint.ink;
      pen.fillText(server.name, x, y + 0.5 * this.scale);
    }
  }

  /** Where servers' names stand: amid their grounds, or below one that is there already. */
  #spaced(wide, camera) {
    const high = 25 * this.scale;
    const near = 58 * this.scale;
    const put = [];
    const shown = this.servers.filter((each) => each.players).map((server) => ({ server, ...this.#heart(server) }));
    for (const { server, x: across, y: along } of shown.sort((a, b) => b.y - a.y)) {
      let [x, y] = this.#at(across, along, wide, camera);
      for (const other of put) {
        if (Math.abs(other.x - x) < near && y - other.y < high) y = other.y + high;
      }
      put.push({ server, x, y });
    }
    return put;
  }

  #players(pen, wide, camera, now) {
    const close = this.me?.others;
    const pictures = this.me ? this.bigMarks : this.marks;
    const put = (x, y, server) => {
      const picture = pictures(server);
      const [across, down] = this.#at(x, y, wide, camera);
      if (across < -40 || down < -40 || across > wide + 40 || down > wide + 40) return;
      pen.drawImage(picture, Math.round(across - picture.width / 2), Math.round(down - picture.height / 2));
    };
    this.places.each(now, this.still.matches, (x, y, server) => { if (!close || this.#beyond({ x, y })) put(x, y, server); });
    close?.forEach(({ x, y, server }) => put(x, y, server));
    if (this.me) this.#self(pen, wide, camera, put);
  }

  /** What lies on the ground to be picked up. */
  #gold(pen, wide, camera) {
    const size = 5.5 * this.scale;
    pen.lineWidth = 2 * this.scale;
    for (const { x, y } of this.me.coins ?? []) {
      const [across, down] = this.#at(x, y, wide, camera);
      pen.beginPath();
      pen.ellipse(across, down, size * 0.8, size, 0, 0, 2 * Math.PI);
      pen.fillStyle = this.paint.gold;
      pen.strokeStyle = this.paint.halo;
      pen.stroke();
      pen.fill();
    }
  }

  /** One was moved just now: the colour of its new server spreads from where it stands. */
  #shine(pen, wide, camera, now) {
    const part = this.flash ? Math.max(0, now - this.flash.since) / SHINE_MS : 1;
    if (part >= 1) { this.flash = null; return; }
    const [x, y] = this.#at(this.me.x, this.me.y, wide, camera);
    pen.globalAlpha = 0.55 * (1 - part);
    pen.fillStyle = pen.strokeStyle = this.fills[tint(this.flash.server)];
    pen.lineWidth = 9 * this.scale;
    if (!this.still.matches) {
      pen.beginPath();
      pen.arc(x, y, wide * 0.75 * Math.sqrt(part), 0, 2 * Math.PI);
      pen.fill();
    }
    pen.globalAlpha = 1 - part;
    pen.strokeRect(0, 0, wide, wide);
    pen.globalAlpha = 1;
  }

  #self(pen, wide, camera, put) {
    const [x, y] = this.#at(this.me.x, this.me.y, wide, camera);
    pen.beginPath();
    pen.arc(x, y, 19 * this.scale, 0, 2 * Math.PI);
    pen.lineWidth = 3 * this.scale;
    pen.strokeStyle = this.paint.ink;
    pen.stroke();
    put(this.me.x, this.me.y, this.me.server);
  }

  #arcs(pen, wide, camera, now) {
    for (const move of this.moves) {
      const part = Math.max(0, now - move.since) / MOVE_MS; // a frame's time may be the earlier one
      if (part >= 1) continue;
      const here = this.places.of(move.id, now) ?? [move.x, move.y];
      const [x, y] = this.#at(...here, wide, camera);
      pen.globalAlpha = this.still.matches ? 0.9 : 1 - part;
      pen.strokeStyle = this.fills[tint(move.to)];
      pen.lineWidth = 2.5 * this.scale;
      pen.beginPath();
      pen.arc(x, y, (this.still.matches ? 13 : 8 + 16 * part) * this.scale, 0, 2 * Math.PI);
      pen.stroke();
      const home = this.servers.find((server) => server.number === move.to);
      if (home && !this.me) {
        const heart = this.#heart(home);
        this.#arc(pen, [x, y], this.#at(heart.x, heart.y, wide, camera), part);
      }
      pen.globalAlpha = 1;
    }
    this.moves = this.moves.filter((move) => now - move.since < MOVE_MS);
  }

  #arc(pen, [x, y], [toX, toY], part) {
    const reach = this.still.matches ? 1 : Math.min(1, part * 2.2);
    const bendX = (x + toX) / 2 + (toY - y) * 0.18;
    const bendY = (y + toY) / 2 - (toX - x) * 0.18;
    pen.lineWidth = 1.6 * this.scale;
    pen.beginPath();
    pen.moveTo(x, y);
    for (let step = 1; step <= 16; step += 1) {
      const t = (step / 16) * reach;
      pen.lineTo((1 - t) ** 2 * x + 2 * t * (1 - t) * bendX + t * t * toX, (1 - t) ** 2 * y + 2 * t * (1 - t) * bendY + t * t * toY);
    }
    pen.stroke();
  }

  #overview(now) {
    const pen = this.map.getContext("2d");
    const wide = this.map.width;
    const whole = { x: this.places.size / 2, y: this.places.size / 2, span: this.places.size };
    pen.fillStyle = this.paint.ground;
    pen.fillRect(0, 0, wide, wide);
    const dot = 2.2 * this.scale;
    this.places.each(now, this.still.matches, (x, y, server) => {
      const [across, down] = this.#at(x, y, wide, whole);
      pen.fillStyle = this.fills[tint(server)];
      pen.fillRect(across - dot / 2, down - dot / 2, dot, dot);
    });
    const [x, y] = this.#at(this.camera.x, this.camera.y, wide, whole);
    const half = (this.camera.span / whole.span) * wide / 2;
    pen.strokeStyle = this.paint.ink;
    pen.lineWidth = 1.5 * this.scale;
    pen.strokeRect(x - half, y - half, 2 * half, 2 * half);
  }
}

/** Closed lines as one path, their corners rounded. */
function rounded(loops) {
  const path = new Path2D();
  for (const loop of loops) {
    const last = loop[loop.length - 1];
    path.moveTo((last[0] + loop[0][0]) / 2, (last[1] + loop[0][1]) / 2);
    loop.forEach(([x, y], n) => {
      const [toX, toY] = loop[(n + 1) % loop.length];
      path.quadraticCurveTo(x, y, (x + toX) / 2, (y + toY) / 2);
    });
    path.closePath();
  }
  return path;
}
