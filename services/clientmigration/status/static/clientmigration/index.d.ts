/** What a player sees at one tick, and how far its inputs are in it. */
export interface View {
  /** World time, the same on every server. */
  tick: number;
  /** The newest input that is applied. */
  last: number;
  /** How many inputs were applied in the player's life. */
  applied: number;
  /** CRC-32, chained over all inputs. */
  digest: number;
  /** The game's own bytes. */
  body: Uint8Array;
}

/** What a move from `source` to `target` cost. */
export interface FeltMove {
  source: string;
  target: string;
  /** Ticks that were never shown. */
  missed: number;
  /** The longest wait between two views, beyond one tick. */
  gapMs: number;
  /** The longest wait from sending an input to the view that acknowledged it. */
  stallMs: number;
  /** Views that were shown meanwhile. */
  views: number;
}

/** Why a server, or the router, is gone. `code`: docs/protocol.md, section 12; "" when it just ended. */
export interface Lost {
  code: string;
  text: string;
}

export type State =
  | "idle"
  | "seeking"
  | "waiting"
  | "joining"
  | "playing"
  | "crossing"
  | "landing"
  | "ended";

/** Events, and the value that each brings. */
export interface Events {
  view: View;
  state: State;
  move: FeltMove;
  lost: Lost;
  /** The place in line while all servers are full; 0: it is over. */
  position: number;
  /** The player's name. */
  identity: string;
}

/** What a player has counted for itself. */
export interface Counts {
  views: number;
  /** Ticks that were never shown. */
  missed: number;
  /** Inputs that were never applied. */
  lost: number;
  /** Inputs that were applied twice. */
  doubled: number;
  /** Inputs that a server passed over, because this program could not send them again. */
  skipped: number;
  /** The number of the newest input. */
  sent: number;
  /** The newest input that a view has acknowledged. */
  acked: number;
  /** The newest tick that was shown. */
  tick: number;
  moves: number;
  /** How often it came back by way of the router. */
  rejoins: number;
  /** The longest wait between two views so far, beyond one tick. */
  longestGapMs: number;
  /** The latest round trip to the server; null before the first. */
  rttMs: number | null;
  lastMove: FeltMove | null;
}

/** Where a player's token is kept. */
export interface Store {
  /** The token, or "". */
  load(): string;
  save(token: string): void;
}

export interface Options {
  /** Without it: `localStorage`, by router. */
  store?: Store;
  /** From a server's address (`host:port`) to the URL to connect to. */
  url?: (address: string) => string;
  /** Players of one group are kept together, as far as that can be. At most 64 characters. */
  group?: string;
  /** A token of the game's own backend (JWT) that says who the player is, in place of the one that
   * is stored; or a function that gets one, each time that one is needed: at the start, and when
   * the player has to come back after some hours. At most 2,560 characters. */
  login?: string | (() => string | Promise<string>);
  /** A steady clock, seconds. For tests. */
  now?: () => number;
  /** Without it: the global one. */
  WebSocket?: new (url: string) => WebSocket;
}

/** A file that is complete and is what was offered. */
export interface Fetched {
  name: string;
  size: number;
  sha256: string;
  /** Empty where a sink took it. */
  body: Uint8Array;
}

/** An entry of a topic. */
export interface TopicEntry {
  seq: number;
  body: Uint8Array;
  /** Entries between the last one and this one that never came. */
  missed: number;
}

/** A topic that is followed until `stop()`. */
export interface Subscription {
  readonly topic: string;
  /** Why nothing comes, if nothing does. */
  readonly denied: string;
  stop(): void;
}

/** SHA-256 of bytes that come in parts: `update` with each, then `hex` once. */
export class Sha256 {
  update(bytes: Uint8Array): this;
  hex(): string;
}

/**
 * One player: connects by URL, is placed, moved, and comes back as the same player. Views come in
 * order, each tick once; inputs are applied exactly once.
 */
export class Player {
  /** `ws://host:port`, `wss://host`, `clientmigration://host` or `clientmigrations://host` (port 4100;
   * the s: encrypted); of routers that are equals all, in an array or with commas between. */
  constructor(router: string | readonly string[], options?: Options);

  readonly state: State;
  /** Why it stopped by itself, "" if it did not: another program plays this player now, what answers
   * is no router, it was kicked or banned, or may not play as it says that it is. */
  readonly ended: string;
  /** 16 hex digits; "" until the router has told it. */
  readonly name: string;
  /** Who shows it is this player: keep it like a password. */
  readonly token: string;
  /** The server that plays us; "" while there is none. */
  readonly member: string;
  /** The place in line while all servers are full, else 0. */
  readonly position: number;
  /** Seconds until it is our turn, if it goes on as lately; null: nobody knows. */
  readonly estimateS: number | null;
  /** How often it has been moved. */
  readonly moves: number;
  /** How often it came back by way of the router. */
  readonly rejoins: number;
  readonly counts: Counts;

  /** Play, and keep playing whatever happens. */
  start(): this;
  /** Go home. The player is kept; to come back make another `Player`. */
  stop(): void;
  /** Send one input, of at most 256 bytes; answers its number. Throws `BadInput`. */
  act(body: Uint8Array): number;
  /** Answers a function that ends it. Throws `BadInput` when there is no such event. */
  on<E extends keyof Events>(event: E, listener: (value: Events[E]) => void): () => void;
  /** Every view from now on, until the player stops. */
  views(): AsyncGenerator<View, void, undefined>;
  /** Download a file; "" is the catalogue (JSON). A file of which `have` bytes are here already goes
   * on there; `digest` is then of those. Rejects with `BadInput`, `NotOffered`, `Corrupted`,
   * `PlayerStopped`, what the sink threw, or the signal's reason. */
  fetch(
    name: string,
    options?: {
      sink?: (part: Uint8Array) => void;
      have?: number;
      digest?: Sha256;
      signal?: AbortSignal;
    },
  ): Promise<Fetched>;
  /** Follow a topic from now on: each entry once, in order. Throws `BadInput`. */
  subscribe(
    topic: string,
    onEntry: (entry: TopicEntry) => void,
    onDenied?: (reason: string) => void,
  ): Subscription;
  /** Have the server spend so many microseconds of its CPU in each tick, 5,000 at most; 0 ends it.
   * Answers the number of the input. Throws `BadInput`. */
  burn(us: number): number;
}

/** What the program wants a player to send can not be sent. */
export class BadInput extends RangeError {}

/** No server here offers a file or a topic of that name, or not one more. */
export class NotOffered extends Error {}

/** A file did not arrive as it was offered. What was handed on of it is of no use. */
export class Corrupted extends Error {}

/** The player went home before this was complete. */
export class PlayerStopped extends Error {}

/** Bytes that break the protocol. */
export class PeersFault extends Error {
  readonly code: string;
}
