// Where every player stands at any moment, from the places that come now and then. No drawing here.

const WORD = 8; // bytes of one player

/** A world event as [{id, server, x, y}], metres. */
export function unpack(world) {
  const raw = atob(world.players);
  const bytes = new DataView(Uint8Array.from(raw, (letter) => letter.charCodeAt(0)).buffer);
  const scale = world.size / 65535;
  const players = [];
  for (let at = 0; at + WORD <= bytes.byteLength; at += WORD) {
    const who = bytes.getUint32(at, true);
    players.push({
      id: who >>> 8, server: who & 255,
      x: bytes.getUint16(at + 4, true) * scale, y: bytes.getUint16(at + 6, true) * scale,
    });
  }
  return players;
}

/** Remembers two moments and answers what lies between them. */
export class Places {
  constructor() {
    this.players = new Map(); // id -> {x, y, fromX, fromY, server}
    this.at = 0;
    this.every = 1000;
    this.size = 1000;
    this.cell = 50;
  }

  /** Takes in a world event at `now` (ms); answers who changed servers: [{id, x, y, from, to}]. */
  heard(world, now) {
    const moved = [];
    const next = new Map();
    for (const { id, server, x, y } of unpack(world)) {
      const before = this.players.get(id);
      const [fromX, fromY] = before ? this.#between(before, now) : [x, y];
      next.set(id, { x, y, fromX, fromY, server });
      if (before && before.server !== server) moved.push({ id, x, y, from: before.server, to: server });
    }
    if (this.at) this.every = Math.min(2500, Math.max(250, 0.7 * this.every + 0.3 * (now - this.at)));
    this.size = world.size;
    this.cell = world.cell;
    this.players = next;
    this.at = now;
    return moved;
  }

  #between(player, now) {
    const part = Math.min(1, (now - this.at) / this.every);
    return [player.fromX + (player.x - player.fromX) * part, player.fromY + (player.y - player.fromY) * part];
  }

  /** Calls `each(x, y, server, id)` for everybody as of `now`; `still` shows them where they were last. */
  each(now, still, each) {
    for (const [id, player] of this.players) {
      const [x, y] = still ? [player.x, player.y] : this.#between(player, now);
      each(x, y, player.server, id);
    }
  }

  /** Where one player is, or null. */
  of(id, now) {
    const player = this.players.get(id);
    return player ? this.#between(player, now) : null;
  }

  /** Players in each cell that has more than `many`: [{x, y, count}], the middle of the cell. */
  crowded(many) {
    const cells = new Map();
    const across = Math.ceil(this.size / this.cell);
    for (const { x, y } of this.players.values()) {
      const cell = Math.floor(x / this.cell) + across * Math.floor(y / this.cell);
      cells.set(cell, (cells.get(cell) ?? 0) + 1);
    }
    return [...cells].filter(([, count]) => count > many).map(([cell, count]) => ({
      x: (cell % across + 0.5) * this.cell, y: (Math.floor(cell / across) + 0.5) * this.cell, count,
    }));
  }
}
