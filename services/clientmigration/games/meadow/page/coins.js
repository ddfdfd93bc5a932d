// Coins that lie on the meadow: where, and which of them a player has picked up lately. The server
// has the same rules (games/meadow/coins.py), and the last word.

const PLOT = 25; // metres along each side of a plot; there is at most one coin in it
const ACROSS = 40; // plots along each side of the meadow
const REMEMBERED = 40; // a coin that was found lies there again when so many others have been

/** The coin of a plot, in metres, or null. */
export function coinOf(column, row) {
  if (column < 0 || row < 0 || column >= ACROSS || row >= ACROSS) return null;
  const mixed = Math.imul(Math.imul(column + 1, 73856093) ^ Math.imul(row + 1, 19349663), 2654435761) >>> 0;
  if (mixed >>> 31) return null;
  const part = (bits) => 0.1 + 0.8 * ((mixed >>> bits) & 255) / 255;
  return { column, row, x: (column + part(8)) * PLOT, y: (row + part(16)) * PLOT };
}

/** The coins that one player can find. */
export class Coins {
  constructor() {
    this.found = [];
  }

  /** Those within `reach` metres of a place. */
  near(x, y, reach) {
    const coins = [];
    const plot = (at) => Math.floor(at / PLOT);
    for (let column = plot(x - reach); column <= plot(x + reach); column += 1) {
      for (let row = plot(y - reach); row <= plot(y + reach); row += 1) {
        const coin = coinOf(column, row);
        if (coin && Math.hypot(coin.x - x, coin.y - y) <= reach && !this.found.includes(column + ACROSS * row)) coins.push(coin);
      }
    }
    return coins;
  }

  /** This one is picked up now. */
  take({ column, row }) {
    this.found = [...this.found, column + ACROSS * row].slice(-REMEMBERED);
  }
}
