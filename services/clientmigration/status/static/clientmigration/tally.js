/*
 * What one player counts for itself: the views that it was shown and the inputs that were applied.
 *
 * No server can count this: it does not see what a player felt. The tally is told what was sent and
 * what arrived, and when; it answers the views to show, in order and each tick once, whichever
 * connection brought them. All times are seconds of one steady clock.
 *
 * Inputs are remembered by their number and never by their age: nobody here can know for how long a
 * server stood still before another took its players up.
 */

import { chained } from "./digest.js";

const HOLD_S = 0.25; // how long a view waits for an earlier tick that comes by a slower connection
const ROOM = 500; // inputs kept, acknowledged or not

/** The counts of one player. `periodS` is a tick's length. */
export class Tally {
  periodS = 0.05;
  views = 0;
  missed = 0;
  lost = 0;
  doubled = 0;
  skipped = 0; // inputs that servers passed over, for we could not send them again
  lastTick = 0;
  shownAt = 0;
  acked = 0;
  seq = 0;
  digest = 0;
  spell = null;
  longestGapS = 0;
  recoveryS = null;
  sent = [];
  #met = false; // whether a server has told us where we stand
  #base = { last: 0, applied: 0 };
  #brokenAt = null;
  #held = new Map();

  // Inputs.

  /** The next input. */
  send(body, now) {
    this.seq += 1;
    this.digest = chained(this.digest, this.seq, body);
    const each = { seq: this.seq, body, at: now, digest: this.digest };
    this.sent.push(each);
    if (this.sent.length > ROOM) this.sent.shift();
    return each;
  }

  /** What a server that has applied everything up to `seq` has to get (again). */
  after(seq) {
    return this.sent.filter((each) => each.seq > seq);
  }

  /** The oldest input that can be sent again; 0 when none was ever sent. */
  oldest() {
    if (!this.#met) return 0;
    return this.sent.length ? this.sent[0].seq : this.seq && this.seq + 1;
  }

  /** A server welcomes us and has applied everything up to `ack`. When that is more than we sent,
   * we are a new program for an old player: what it has not seen is numbered anew. `skipped` inputs
   * were passed over just now: we could not send them again. */
  continueFrom(ack, skipped = 0) {
    this.skipped += skipped;
    if (this.#met && ack <= this.seq) return;
    const unseen = this.after(this.acked);
    this.sent = [];
    this.#met = true;
    this.seq = ack;
    if (ack) this.#base = null;
    else this.digest = 0;
    for (const each of unseen) this.send(each.body, each.at);
  }

  /** A server has taken us up, and has applied everything up to `ack`: if a view has said more
   * before, that is undone, and counts as acknowledged no more. */
  takenUp(ack) {
    this.acked = Math.min(this.acked, ack);
  }

  /** The cluster does not know us any more, and will take us as somebody new: inputs that no view
   * has acknowledged are numbered anew when a server welcomes us. */
  forget() {
    this.sent = this.after(this.acked);
    this.#met = false;
    this.acked = 0;
    this.#base = { last: 0, applied: 0 };
  }

  #beginAt(last, applied, digest) {
    this.#base = { last, applied };
    this.digest = digest;
    for (const each of this.sent) {
      if (each.seq > last) this.digest = chained(this.digest, each.seq, each.body);
      each.digest = each.seq > last ? this.digest : null;
    }
    return this.#base;
  }

  /** What a view says about our inputs: check that each was applied once, and in order. */
  acknowledge({ last, applied, digest }, now) {
    const base = this.#base ?? this.#beginAt(last, applied, digest);
    if (this.spell !== null && last > this.acked) {
      const waiting = this.sent.filter((each) => each.seq > this.acked && each.seq <= last);
      this.spell.stallS = Math.max(this.spell.stallS, ...waiting.map((each) => now - each.at));
    }
    this.acked = Math.max(this.acked, last);
    const expected = base.applied + last - base.last;
    this.lost = Math.max(this.lost, expected - applied);
    this.doubled = Math.max(this.doubled, applied - expected);
    const known = this.sent.length ? this.sent[last - this.sent[0].seq] : undefined;
    if (known && known.digest !== null && known.digest !== digest) {
      this.lost = Math.max(this.lost, 1);
    }
  }

  // Views.

  /** The views to show now that this one came. While `crossing`, a view that is ahead waits a
   * moment for those before it, which another connection may still bring. */
  show(view, now, crossing) {
    const { tick } = view;
    if (this.lastTick && tick <= this.lastTick) return [];
    if (crossing && this.lastTick && tick > this.lastTick + 1) {
      if (!this.#held.has(tick)) this.#held.set(tick, { view, at: now });
      return this.#release(now);
    }
    return [...this.#before(tick, now), ...this.#show(view, now), ...this.#release(now)];
  }

  /** Another server shows its first view, of this tick: what waits from that tick on is the former
   * one's, which knows less of us by then. */
  switched(tick) {
    for (const each of this.#ticks()) if (each >= tick) this.#held.delete(each);
  }

  #before(tick, now) {
    const early = this.#ticks().filter((each) => each < tick);
    return early.flatMap((each) => this.#show(this.#take(each), now));
  }

  #release(now) {
    const shown = [];
    for (const first of this.#ticks()) {
      const waits = now - this.#held.get(first).at < HOLD_S;
      if (first > this.lastTick + 1 && waits) break;
      shown.push(...this.#show(this.#take(first), now));
    }
    return shown;
  }

  #ticks() {
    return [...this.#held.keys()].sort((one, other) => one - other);
  }

  #take(tick) {
    const { view } = this.#held.get(tick);
    this.#held.delete(tick);
    return view;
  }

  #show(view, now) {
    if (this.lastTick && view.tick <= this.lastTick) return [];
    if (this.lastTick) {
      const gapS = Math.max(0, now - this.shownAt - this.periodS);
      this.#count(view.tick - this.lastTick - 1, gapS);
    }
    if (this.#brokenAt !== null) {
      this.recoveryS = now - this.#brokenAt;
      this.#brokenAt = null;
    }
    this.lastTick = view.tick;
    this.shownAt = now;
    this.views += 1;
    return [view];
  }

  #count(missed, gapS) {
    this.missed += missed;
    this.longestGapS = Math.max(this.longestGapS, gapS);
    if (this.spell !== null) {
      this.spell.views += 1;
      this.spell.missed += missed;
      this.spell.gapS = Math.max(this.spell.gapS, gapS);
    }
  }

  /** The way to the server is broken: what follows is a recovery, not a gap in play. */
  interrupted() {
    if (this.lastTick) this.#brokenAt = this.shownAt;
    this.lastTick = 0;
    this.spell = null;
    this.#held.clear();
  }

  // Moves.

  /** A move begins: watch it. */
  begin() {
    this.spell ??= { missed: 0, gapS: 0, stallS: 0, views: 0 };
  }

  /** It is over: what it cost, or null when there was none. */
  end() {
    const spell = this.spell;
    this.spell = null;
    if (spell === null) return null;
    const { missed, gapS, stallS, views } = spell;
    return { missed, gapMs: gapS * 1000, stallMs: stallS * 1000, views };
  }
}
