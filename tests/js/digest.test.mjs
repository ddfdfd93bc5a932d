/* Our CRC-32 and SHA-256 are everybody's. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import test from "node:test";

import { crc32, hashed, Sha256 } from "../../services/clientmigration/status/static/clientmigration/digest.js";

const bytes = (size) => Uint8Array.from({ length: size }, (_, n) => (n * 31 + (n >> 8)) & 0xff);

test("SHA-256 of every length up to three blocks, in parts of every size", () => {
  for (let size = 0; size <= 192; size++) {
    const whole = bytes(size);
    const hash = new Sha256();
    const part = 1 + (size % 67);
    for (let at = 0; at < size; at += part) hash.update(whole.subarray(at, at + part));
    assert.equal(hash.hex(), createHash("sha256").update(whole).digest("hex"), `${size} bytes`);
  }
});

test("SHA-256 of a megabyte", () => {
  const whole = bytes(1 << 20);
  const expected = createHash("sha256").update(whole).digest("hex");
  assert.equal(new Sha256().update(whole).hex(), expected);
});

test("SHA-256 of text is that of its UTF-8", () => {
  assert.equal(hashed("Ada läuft 🏃"), createHash("sha256").update("Ada läuft 🏃").digest("hex"));
});

test("CRC-32 is zlib's, and goes on", () => {
  const check = new TextEncoder().encode("123456789");
  assert.equal(crc32(check), 0xcbf43926);
  assert.equal(crc32(check.subarray(4), crc32(check.subarray(0, 4))), 0xcbf43926);
  assert.equal(crc32(new Uint8Array(), 17), 17);
});
