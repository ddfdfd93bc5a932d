/*
 * Bytes in, messages out: the player's half of docs/protocol.md. No sockets here.
 *
 * Over a WebSocket one binary message is one `kind body`, without a length. A control message is an
 * object with its tag in `t`; views, chunks and items get a `t` too, and bytes in `body`.
 */

const PROTOCOL = "clientmigration";
const VERSION = 1;
const [CONTROL, INPUT, VIEW, CHUNK, ITEM] = [0, 1, 2, 3, 4];
const GREETING_LIMIT = 512;
const U32 = 2 ** 32 - 1;

/** The largest body of an input, in bytes. */
export const INPUT_LIMIT = 256;

/** The other side broke the protocol. `code` says how: see the protocol, section 11. */
export class PeersFault extends Error {
  constructor(code, text) {
    super(text);
    this.name = "PeersFault";
    this.code = code;
  }
}

// What a field may be.

const text = (most = Infinity) => (value) => typeof value === "string" && [...value].length <= most;
const matching = (pattern) => (value) => typeof value === "string" && pattern.test(value);
const whole = (most, least = 0) => (value) => Number.isInteger(value) && value >= least && value <= most;
const address = (value) => text(300)(value) && /^.+:[0-9]{1,5}(\/[!-~]*)?$/u.test(value);
const listed = (fields) => (value) => Array.isArray(value) && value.every((each) => fits(each, fields));
const orElse = (check, otherwise) => Object.assign((value) => check(value), { otherwise });

const seconds = (value) => typeof value === "number" && value >= 0;
const either = (check, other) => (value) => value === other || check(value);

const hash = matching(/^[0-9a-f]{64}$/);
const redirect = { member: text(), address, ticket: text(1024) };
const both = {
  greeting: { protocol: orElse(text(), PROTOCOL), version: orElse(Number.isInteger, VERSION), role: text() },
  goodbye: { code: text(), text: orElse(text(), "") },
};

/** What a player hears from whom, and the largest message. */
export const DIALECTS = {
  router: {
    limit: 65536,
    kinds: new Set([CONTROL]),
    control: {
      ...both,
      identity: { player: text(), token: text(1024) },
      candidates: { candidates: listed({ member: text(), address }) },
      waiting: { position: whole(U32), estimate_s: orElse(either(seconds, null), null) },
      redirect,
    },
  },
  server: {
    limit: 262144,
    kinds: new Set([CONTROL, VIEW, CHUNK, ITEM]),
    control: {
      ...both,
      pong: { n: whole(U32) },
      welcome: {
        player: text(),
        member: text(),
        ack: whole(U32),
        rate: whole(1000, 1),
        skipped: orElse(whole(U32), 0),
      },
      redirect,
      offered: { id: whole(U32), size: whole(2 ** 63), sha256: hash },
      denied: { id: whole(U32), reason: text() },
    },
  },
};

function fits(value, fields) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.entries(fields).every(([name, check]) =>
    Object.hasOwn(value, name) ? check(value[name]) : "otherwise" in check,
  );
}

/** One control message. */
export function say(t, fields = {}) {
  const json = new TextEncoder().encode(JSON.stringify({ t, ...fields }));
  const message = new Uint8Array(1 + json.length);
  message.set(json, 1);
  return message;
}

/** The first message in both directions. */
export function greeting() {
  return say("greeting", { protocol: PROTOCOL, version: VERSION, role: "player" });
}

/** One input. */
export function input(seq, body) {
  const message = new Uint8Array(5 + body.length);
  message[0] = INPUT;
  new DataView(message.buffer).setUint32(1, seq, true);
  message.set(body, 5);
  return message;
}

/** What comes on one connection, message by message. `from` is "router" or "server". */
export class Decoder {
  constructor(from) {
    this.from = from;
    this.greeted = false;
    this.over = false;
    this.dialect = DIALECTS[from];
  }

  /** One message from its bytes. Throws `PeersFault`. After the peer's goodbye it is `over`. */
  decode(bytes) {
    this.check(bytes.length);
    if (!this.greeted) return this.#greet(bytes);
    const kind = bytes[0];
    if (!this.dialect.kinds.has(kind)) {
      throw new PeersFault("malformed_frame", `a ${this.from} does not say kind ${kind}`);
    }
    return kind === CONTROL ? this.#control(bytes) : packed(kind, bytes);
  }

  /** Refuse what is too large, before it is read. */
  check(size) {
    if (!this.greeted && (size === 0 || size > GREETING_LIMIT)) {
      throw new PeersFault("not_our_protocol", "the first message is not a greeting");
    }
    if (size > this.dialect.limit) {
      throw new PeersFault("frame_too_large", `${size} bytes, ${this.dialect.limit} are allowed`);
    }
    if (size === 0) throw new PeersFault("malformed_frame", "an empty message");
  }

  #greet(bytes) {
    const message = bytes[0] === CONTROL ? this.#read(bytes, "not_our_protocol") : {};
    if (message.t !== "greeting" || message.protocol !== PROTOCOL) {
      throw new PeersFault("not_our_protocol", "the first message is not a greeting");
    }
    if (message.version !== VERSION) {
      throw new PeersFault("not_our_protocol", `version ${message.version}, ${VERSION} is spoken`);
    }
    this.greeted = true;
    return message;
  }

  #control(bytes) {
    const message = this.#read(bytes, "malformed_frame");
    if (message.t === "greeting") throw new PeersFault("out_of_turn", "a second greeting");
    this.over = message.t === "goodbye";
    return message;
  }

  #read(bytes, code) {
    const value = parsed(bytes.subarray(1), code);
    const known = Object.hasOwn(this.dialect.control, value.t ?? "");
    const fields = known ? this.dialect.control[value.t] : {};
    if (!known || !fits(value, fields)) {
      throw new PeersFault(code, `a ${this.from} does not say this: ${String(value.t)}`);
    }
    const kept = Object.entries(fields).map(([name, check]) => [name, value[name] ?? check.otherwise]);
    return { t: value.t, ...Object.fromEntries(kept) };
  }
}

function parsed(bytes, code) {
  let value;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (error) {
    throw new PeersFault(code, `not JSON: ${error.message}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new PeersFault(code, "not a JSON object");
  }
  return value;
}

function packed(kind, bytes) {
  const header = kind === VIEW ? 21 : 13;
  if (bytes.length < header) {
    throw new PeersFault("malformed_frame", `kind ${kind} of ${bytes.length} bytes`);
  }
  const from = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const body = bytes.subarray(header);
  const u32 = (at) => from.getUint32(at, true);
  const u64 = (at) => u32(at + 4) * 2 ** 32 + u32(at);
  if (kind === VIEW) {
    return { t: "view", tick: u64(1), last: u32(9), applied: u32(13), digest: u32(17), body };
  }
  if (kind === CHUNK) return { t: "chunk", id: u32(1), offset: u64(5), body };
  return { t: "item", id: u32(1), seq: u64(5), body };
}
