/*
 * Inputs that are the server's own, whatever is played: pretend load, files and topics. See the
 * protocol, section 6.
 */

const U32 = 4;
const U64 = 8;

/** Burn so many microseconds of the server's CPU in each tick, 5000 at most; 0 stops it. */
export function burn(us) {
  return packed(0x80, [[U32, us]]);
}

/** Send me the file `name` from byte `offset` on, as stream `id`. */
export function fetch(id, offset, name) {
  return packed(0x81, [[U32, id], [U64, offset]], new TextEncoder().encode(name));
}

/** Send me the entries of topic `name` that are made at world tick `tick` and later. */
export function follow(id, tick, name) {
  return packed(0x82, [[U32, id], [U64, tick]], new TextEncoder().encode(name));
}

/** Of these streams I have everything before these places. `places`: [id, place] pairs. */
export function got(places) {
  return packed(0x83, [...places].flatMap(([id, place]) => [[U32, id], [U64, place]]));
}

/** I want no more of stream `id`. */
export function stop(id) {
  return packed(0x84, [[U32, id]]);
}

function packed(kind, numbers, rest = new Uint8Array()) {
  const size = 1 + numbers.reduce((sum, [bytes]) => sum + bytes, 0);
  const body = new Uint8Array(size + rest.length);
  const into = new DataView(body.buffer);
  body[0] = kind;
  let at = 1;
  for (const [bytes, number] of numbers) {
    into.setUint32(at, number % 2 ** 32, true);
    if (bytes === U64) into.setUint32(at + 4, Math.floor(number / 2 ** 32), true);
    at += bytes;
  }
  body.set(rest, at);
  return body;
}
