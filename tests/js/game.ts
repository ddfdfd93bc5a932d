/* A game of somebody's own that uses the package by its types alone: held to them by tsc. */

import { BadInput, Player, Sha256 } from "clientmigration";
import type { Counts, FeltMove, Options, State, Store, View } from "clientmigration";
import * as meadow from "clientmigration/meadow";

const store: Store = { load: () => "", save: (_token: string) => undefined };
const options: Options = { store, group: "red", login: async () => "a.login.token" };
const player: Player = new Player("wss://play.example.org", options);

const off: () => void = player.on("view", ({ tick, body }: View) => {
  const first: number | undefined = body[0]; // any game's bytes
  console.log(tick, first, meadow.own(body).coins);
});
player.on("move", (move: FeltMove) => console.log(move.source, move.gapMs));
player.on("lost", ({ code, text }) => console.log(code, text));
player.start();

const seq: number = player.act(Uint8Array.of(1, 2, 3));
const state: State = player.state;
const counts: Counts = player.counts;
console.log(seq, state, counts.missed, player.estimateS?.toFixed());

async function look(): Promise<void> {
  for await (const view of player.views()) console.log(view.applied);
  const { body } = await player.fetch("map", { have: 0, digest: new Sha256() });
  player.subscribe("scores", ({ seq, missed }) => console.log(seq, missed)).stop();
  console.log(body.length);
}

try {
  void look();
} catch (error) {
  if (error instanceof BadInput) off();
}

// @ts-expect-error an input is bytes, and no text
player.act("north");
// @ts-expect-error there is no such event
player.on("dance", () => undefined);
// @ts-expect-error a login is text, or a function that gets one
new Player("ws://localhost:4100", { login: 7 });
