/*
 * CRC-32 and SHA-256. Own ones, because a browser has the first nowhere, and the second neither in
 * parts nor on pages that came by plain http. The tests hold both to node's own.
 */

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n;
});

/** CRC-32 (zlib's) of `bytes`, begun with the CRC of what came before them. */
export function crc32(bytes, before = 0) {
  let crc = ~before;
  for (const byte of bytes) crc = CRC[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** The digest after input `seq`, from the digest before it. */
export function chained(digest, seq, body) {
  const number = Uint8Array.of(seq, seq >>> 8, seq >>> 16, seq >>> 24);
  return crc32(body, crc32(number, digest));
}

const PRIMES = (() => {
  const found = [];
  for (let n = 2; found.length < 64; n++) if (found.every((prime) => n % prime)) found.push(n);
  return found;
})();
const fraction = (root) => ((root - Math.floor(root)) * 2 ** 32) >>> 0;
const K = Uint32Array.from(PRIMES, (prime) => fraction(Math.cbrt(prime)));
const BEGIN = Uint32Array.from(PRIMES.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));
const turned = (word, by) => (word >>> by) | (word << (32 - by));

/** SHA-256 of bytes that come in parts: `update` with each, then `hex` once. */
export class Sha256 {
  #state = BEGIN.slice();
  #words = new Uint32Array(64);
  #block = new Uint8Array(64);
  #view = new DataView(this.#block.buffer);
  #held = 0;
  #size = 0;

  /** More bytes. */
  update(bytes) {
    this.#size += bytes.length;
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + 64 - this.#held);
      this.#block.set(part, this.#held);
      this.#held += part.length;
      at += part.length;
      if (this.#held === 64) this.#mix();
    }
    return this;
  }

  /** The hash of all, as 64 lower-case hex digits. */
  hex() {
    const bits = this.#size * 8;
    this.update(Uint8Array.of(0x80));
    if (this.#held > 56) this.update(new Uint8Array(64 - this.#held));
    this.#block.fill(0, this.#held);
    this.#view.setUint32(56, Math.floor(bits / 2 ** 32));
    this.#view.setUint32(60, bits >>> 0);
    this.#mix();
    return [...this.#state].map((word) => word.toString(16).padStart(8, "0")).join("");
  }

  #mix() {
    const w = this.#words;
    for (let n = 0; n < 16; n++) w[n] = this.#view.getUint32(n * 4);
    for (let n = 16; n < 64; n++) {
      const far = w[n - 15];
      const near = w[n - 2];
      const s0 = turned(far, 7) ^ turned(far, 18) ^ (far >>> 3);
      const s1 = turned(near, 17) ^ turned(near, 19) ^ (near >>> 10);
      w[n] = w[n - 16] + s0 + w[n - 7] + s1;
    }
    let [a, b, c, d, e, f, g, h] = this.#state;
    for (let n = 0; n < 64; n++) {
      const s1 = turned(e, 6) ^ turned(e, 11) ^ turned(e, 25);
      const one = (h + s1 + ((e & f) ^ (~e & g)) + K[n] + w[n]) | 0;
      const s0 = turned(a, 2) ^ turned(a, 13) ^ turned(a, 22);
      const two = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + one) | 0;
      d = c;
      c = b;
      b = a;
      a = (one + two) | 0;
    }
    [a, b, c, d, e, f, g, h].forEach((word, n) => (this.#state[n] += word));
    this.#held = 0;
  }
}

/** SHA-256 of a text's UTF-8 bytes, as hex. */
export function hashed(text) {
  return new Sha256().update(new TextEncoder().encode(text)).hex();
}
