/* A player's life, told from the other ends of its connections. */

import assert from "node:assert/strict";
import test from "node:test";

import { BadInput } from "../../services/clientmigration/status/static/clientmigration/index.js";
import { bound, playing, redirect, world } from "./doors.mjs";

const BODY = Uint8Array.of(2);
const timed = (name, body) =>
  test(name, (t) => {
    t.mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
    body((ms) => t.mock.timers.tick(ms));
  });

timed("a newcomer is asked in, measures, and plays where it is sent", () => {
  const { player, door, doors, told, kept } = world();
  player.start();
  const router = door("router");
  router.opens("router");
  assert.equal(router.last("hello").token, "");
  router.says("identity", { player: "a1b2c3d4e5f60718", token: "a token" });
  assert.deepEqual([player.name, kept.token], ["a1b2c3d4e5f60718", "a token"]);
  router.says("candidates", {
    candidates: ["gs-1", "gs-2"].map((member) => ({ member, address: `${member}:4200` })),
  });
  const [one, two] = [door("gs-1"), door("gs-2")];
  assert.equal(one.url, "ws://gs-1:4200/");
  for (const server of [one, two]) {
    server.opens("gameserver");
    server.says("pong", { n: 1 });
  }
  assert.equal(router.last("pings"), undefined);
  for (const server of [one, two]) server.says("pong", { n: 2 });
  assert.deepEqual(Object.keys(router.last("pings").pings), ["gs-1", "gs-2"]);
  router.says("redirect", redirect("gs-2"));
  assert.deepEqual([one.last("goodbye").code, router.last("goodbye").code], ["bye", "bye"]);
  assert.equal(doors.length, 3); // the connection that was pinged is the one that is played on
  assert.equal(two.last("join").ticket, "a ticket for gs-2");
  assert.ok(bound(router, two));
  player.act(BODY);
  two.says("welcome", { player: player.name, member: "gs-2", ack: 0, rate: 20 });
  assert.deepEqual(two.inputs, [1]);
  two.shows(100, { last: 0 });
  assert.deepEqual([player.state, player.member], ["playing", "gs-2"]);
  const states = told.filter(([event]) => event === "state").map(([, state]) => state);
  assert.deepEqual(states, ["seeking", "joining", "playing"]);
});

timed("who does not answer pings is left out in time", (pass) => {
  const { player, door } = world();
  player.start();
  const router = door("router");
  router.opens("router");
  router.says("candidates", { candidates: [{ member: "gs-1", address: "gs-1:1" }] });
  pass(1000);
  assert.deepEqual(router.last("pings").pings, {});
});

timed("the router may ask for more pings, and hears all of them", () => {
  const { player, door } = world({ group: "red" });
  player.start();
  const router = door("router");
  router.opens("router");
  assert.equal(router.last("hello").group, "red");
  for (const member of ["gs-1", "gs-2"]) {
    router.says("candidates", { candidates: [{ member, address: `${member}:4200` }] });
    door(member).opens("gameserver");
    for (const n of [1, 2]) door(member).says("pong", { n });
  }
  assert.deepEqual(Object.keys(router.last("pings").pings), ["gs-1", "gs-2"]);
  router.says("redirect", redirect("gs-1"));
  assert.deepEqual([door("gs-1").readyState, door("gs-2").readyState], [1, 3]);
  player.stop();
});

timed("who waits in line says that it is here", () => {
  const { player, door } = world();
  player.start();
  door("router").opens("router");
  door("router").says("waiting", { position: 3, estimate_s: 12.5 });
  assert.deepEqual([player.position, player.estimateS], [3, 12.5]);
  assert.ok(door("router").last("here"));
  door("router").says("redirect", redirect("gs-1"));
  assert.deepEqual([player.position, player.state], [0, "joining"]);
});

timed("a move costs nothing: inputs go to both, and each tick is shown once", (pass) => {
  const { player, door, ticks, told } = playing();
  player.act(BODY);
  door("gs-1").says("redirect", redirect("gs-2"));
  assert.equal(player.state, "crossing");
  door("gs-2").opens("gameserver");
  assert.deepEqual(door("gs-2").inputs, [1]); // at once, without waiting for welcome
  player.act(BODY);
  door("gs-2").says("welcome", { player: player.name, member: "gs-2", ack: 0, rate: 20 });
  assert.deepEqual([door("gs-1").inputs, door("gs-2").inputs], [[1, 2], [1, 2]]);
  door("gs-1").shows(101);
  door("gs-2").shows(103, { last: 0 }); // ahead of one that is still on its way
  assert.deepEqual(ticks(), [100, 101]);
  assert.deepEqual([player.state, player.member], ["playing", "gs-2"]);
  door("gs-1").shows(102);
  door("gs-1").shows(103);
  door("gs-1").shows(104); // the old server stands still for us by now
  door("gs-2").shows(104, { last: 2 });
  assert.deepEqual(ticks(), [100, 101, 102, 103, 104]);
  assert.equal(told.findLast(([event]) => event === "view")[1].last, 2);
  pass(500);
  assert.equal(door("gs-1").last("goodbye").code, "bye");
  assert.equal(door("gs-2").last("felt").missed, 0);
  const [, move] = told.find(([event]) => event === "move");
  assert.deepEqual([move.source, move.target, move.missed], ["gs-1", "gs-2", 0]);
  assert.deepEqual([player.counts.moves, player.counts.missed, player.counts.rejoins], [1, 0, 0]);
});

timed("a move that is called off leaves the player where it is", (pass) => {
  const { player, door, ticks } = playing();
  door("gs-1").says("redirect", redirect("gs-2"));
  door("gs-2").opens("gameserver");
  door("gs-2").says("goodbye", { code: "cancelled", text: "" });
  door("gs-1").shows(101);
  pass(20_000);
  assert.deepEqual([player.state, player.member, ticks()], ["playing", "gs-1", [100, 101]]);
});

timed("a second server that never shows anything is given up", (pass) => {
  const { player, door } = playing();
  door("gs-1").says("redirect", redirect("gs-2"));
  door("gs-2").opens("gameserver");
  pass(10_000);
  assert.equal(player.state, "playing");
  assert.equal(door("gs-2").readyState, 3);
});

timed("a second redirect replaces the first", () => {
  const { player, door } = playing();
  door("gs-1").says("redirect", redirect("gs-2"));
  door("gs-2").opens("gameserver");
  door("gs-1").says("redirect", redirect("gs-3"));
  assert.equal(door("gs-2").readyState, 3);
  door("gs-3").opens("gameserver");
  door("gs-3").shows(101);
  assert.equal(player.member, "gs-3");
});

timed("when the first server dies during a move the second takes over", () => {
  const { player, door } = playing();
  door("gs-1").says("redirect", redirect("gs-2"));
  door("gs-2").opens("gameserver");
  door("gs-1").breaks();
  assert.equal(player.state, "landing");
  door("gs-2").shows(101);
  assert.deepEqual([player.state, player.member, player.counts.rejoins], ["playing", "gs-2", 0]);
});

timed("when its server dies the player comes back as the same player", () => {
  const { player, door, doors } = playing();
  const before = door("router");
  door("gs-1").breaks();
  assert.equal(player.state, "seeking");
  assert.notEqual(door("router"), before);
  door("router").opens("router");
  assert.equal(door("router").last("hello").token, "a token");
  assert.equal(door("router").last("hello").holder, before.last("hello").holder);
  assert.equal(player.counts.rejoins, 1);
  assert.equal(doors.filter((each) => each.readyState === 1).length, 1);
});

timed("what a crash has undone is sent to the next server too, though a view had named it", () => {
  const { player, door } = playing();
  for (const _ of [1, 2]) player.act(BODY);
  door("gs-1").shows(101, { last: 2 });
  door("gs-1").breaks();
  door("router").opens("router");
  door("router").says("redirect", redirect("gs-2"));
  door("gs-2").opens("gameserver");
  door("gs-2").says("welcome", { player: player.name, member: "gs-2", ack: 1, rate: 20 });
  door("gs-2").shows(102, { last: 1 });
  assert.deepEqual(door("gs-2").inputs, [2]);
  door("gs-2").says("redirect", redirect("gs-3"));
  door("gs-3").opens("gameserver");
  assert.deepEqual(door("gs-3").inputs, [2]);
});

timed("a page whose timers rest lives on its views", () => {
  const { player, door, clock } = playing();
  const pings = () => door("gs-1").heard.filter(({ t }) => t === "ping");
  for (let tick = 101; tick < 201; tick++) {
    clock.s += 0.05;
    door("gs-1").shows(tick);
  }
  assert.ok(pings().length >= 4, `${pings().length}`);
  clock.s += 0.02;
  door("gs-1").says("pong", { n: pings().at(-1).n });
  assert.ok(player.counts.rttMs >= 20 && player.counts.rttMs < 1100, `${player.counts.rttMs}`);
});

timed("a server that shows nothing for two seconds is gone", (pass) => {
  const { player, door, clock } = playing();
  for (const [seconds, state] of [[1, "playing"], [1, "playing"], [1, "seeking"]]) {
    clock.s += seconds;
    pass(1000 * seconds);
    assert.equal(player.state, state);
  }
  assert.equal(door("gs-1").readyState, 3);
});

timed("a move tells how much longer than a tick it took", (pass) => {
  const { player, door, told, clock } = playing();
  door("gs-1").says("redirect", redirect("gs-2"));
  door("gs-2").opens("gameserver");
  player.act(BODY);
  clock.s += 0.08;
  door("gs-2").shows(101, { last: 1 });
  pass(500);
  const [, move] = told.find(([event]) => event === "move");
  assert.deepEqual([Math.round(move.gapMs), Math.round(move.stallMs)], [30, 80]);
  assert.equal(Math.round(door("gs-2").last("felt").gap_ms), 30);
});

timed("what it did not see while it was away is not counted as missed", () => {
  const { player, door } = playing();
  door("gs-1").breaks();
  door("router").opens("router");
  door("router").says("redirect", redirect("gs-2"));
  door("gs-2").opens("gameserver");
  door("gs-2").shows(180);
  assert.deepEqual([player.counts.missed, player.state], [0, "playing"]);
  door("gs-2").shows(183);
  assert.equal(player.counts.missed, 2);
});

timed("when both servers of a move die it goes to the router", () => {
  const { player, door } = playing();
  door("gs-1").says("redirect", redirect("gs-2"));
  door("gs-2").opens("gameserver");
  door("gs-1").breaks();
  door("gs-2").breaks();
  assert.deepEqual([player.state, player.counts.rejoins], ["seeking", 1]);
});

timed("inputs that the next server has not seen are sent again", () => {
  const { player, door } = playing();
  for (let n = 0; n < 5; n++) player.act(BODY);
  door("gs-1").breaks();
  door("router").opens("router");
  door("router").says("redirect", redirect("gs-2"));
  door("gs-2").opens("gameserver");
  assert.equal(door("gs-2").last("join").oldest, 1);
  door("gs-2").says("welcome", { player: player.name, member: "gs-2", ack: 3, rate: 20 });
  assert.deepEqual(door("gs-2").inputs, [4, 5]);
});

timed("a new program for an old player goes on from what the server has", () => {
  const { player, door } = world({ token: "an old token" });
  player.start();
  door("router").opens("router");
  assert.equal(door("router").last("hello").token, "an old token");
  door("router").says("redirect", redirect("gs-1"));
  door("gs-1").opens("gameserver");
  assert.equal(door("gs-1").last("join").oldest, 0);
  door("gs-1").says("welcome", { player: "a1b2c3d4e5f60718", member: "gs-1", ack: 70, rate: 20 });
  assert.equal(player.act(BODY), 71);
  door("gs-1").shows(100, { last: 70, applied: 69, digest: 5 }); // one was lost before our time
  assert.deepEqual([player.counts.lost, player.counts.doubled], [0, 0]);
});

timed("without a router the player tries again, later each time", (pass) => {
  const { player, door, doors } = world();
  player.start();
  const waits = [];
  for (let n = 0; n < 10; n++) {
    door("router").breaks();
    assert.equal(player.state, "waiting");
    const before = doors.length;
    let waited = 0;
    for (; doors.length === before; waited += 10) pass(10);
    waits.push(waited);
  }
  assert.ok(waits[0] <= 160, `${waits}`);
  assert.ok(waits.slice(-3).every((each) => each >= 2500 && each <= 7510), `${waits}`);
});

timed("a token of another cluster is forgotten: back as somebody new", (pass) => {
  const { player, door, kept } = world({ token: "of another cluster" });
  player.start();
  door("router").opens("router");
  door("router").says("goodbye", { code: "not_authentic", text: "" });
  assert.equal(kept.token, "");
  pass(1000);
  door("router").opens("router");
  assert.equal(door("router").last("hello").token, "");
});

for (const code of ["replaced", "not_our_protocol"]) {
  timed(`${code} ends it: coming back would not help`, (pass) => {
    const { player, door, doors } = playing();
    const losses = [];
    player.on("lost", (lost) => losses.push([lost.code, player.state]));
    door("gs-1").says("goodbye", { code, text: "" });
    assert.deepEqual(losses, [[code, "ended"]]);
    const before = doors.length;
    pass(60_000);
    assert.equal(doors.length, before);
  });
}

timed("who breaks the protocol is told so, and left", () => {
  const { player, door } = playing();
  door("gs-1").bytes(Uint8Array.of(9, 9));
  assert.equal(door("gs-1").last("goodbye").code, "malformed_frame");
  assert.equal(player.state, "seeking");
});

timed("to stop is to go home, and nothing happens after it", (pass) => {
  const { player, door, doors } = playing();
  player.stop();
  assert.deepEqual(door("gs-1").heard.slice(-2).map((each) => each.t), ["leave", "goodbye"]);
  assert.ok(doors.every((each) => each.readyState === 3));
  const before = doors.length;
  pass(60_000);
  assert.deepEqual([doors.length, player.state], [before, "ended"]);
});

timed("an address may be an IPv6 one, and may be looked up elsewhere", () => {
  for (const [options, url] of [
    [{}, "ws://[2001:db8::7]:4200/"],
    [{ url: (address) => `wss://proxy/${address}` }, "wss://proxy/2001:db8::7:4200"],
  ]) {
    const { player, door, doors } = world(options);
    player.start();
    door("router").opens("router");
    door("router").says("redirect", { ...redirect("gs-1"), address: "2001:db8::7:4200" });
    assert.equal(doors.at(-1).url, url);
    player.stop();
  }
});

timed("what is encrypted at the router stays so, and an address may say how to get there", () => {
  for (const [router, address, url] of [
    ["wss://router", "gs-1:4200", "wss://gs-1:4200/"],
    ["wss://router", "clientmigrations://gs-1:4200", "wss://gs-1:4200/"],
    ["wss://router", "wss://play.example:443/gs-1", "wss://play.example/gs-1"],
    ["wss://router", "ws://gs-1:4200", "wss://gs-1:4200/"],
    ["wss://router", "clientmigration://gs-1:4200", "wss://gs-1:4200/"],
    ["ws://router", "clientmigrations://gs-1:4200", "wss://gs-1:4200/"],
    ["ws://router", "clientmigration://[2001:db8::7]:4200", "ws://[2001:db8::7]:4200/"],
  ]) {
    const { player, door, doors } = world({}, router);
    player.start();
    door("router").opens("router");
    door("router").says("redirect", { ...redirect("gs-1"), address });
    assert.equal(doors.at(-1).url, url);
    player.stop();
  }
});

test("a router's URL says how to connect", () => {
  for (const [router, url] of [
    ["clientmigration://play.example.org", "ws://play.example.org:4100/"],
    ["ws://play.example.org:4107", "ws://play.example.org:4107/"],
    ["https://play.example.org", "wss://play.example.org/"],
    ["wss://play.example.org/router", "wss://play.example.org/router"],
    ["clientmigrations://play.example.org", "wss://play.example.org:4100/"],
    ["clientmigrations://play.example.org:443", "wss://play.example.org/"],
    ["clientmigration://[2001:db8::7]", "ws://[2001:db8::7]:4100/"],
  ]) {
    let seen = "";
    class Socket {
      constructor(to) {
        seen = to;
      }
      close() {}
    }
    const { player } = world();
    const other = new player.constructor(router, { WebSocket: Socket }).start();
    assert.equal(seen, url);
    other.stop();
  }
  assert.throws(() => new (world().player.constructor)("play.example.org"), TypeError);
});

/** A player of two routers, and these in the order in which it asks them. */
function betweenTwo() {
  const all = world({}, "ws://one:4100,ws://two:4100");
  all.player.start();
  const first = new URL(all.doors[0].url).hostname;
  const [mine, other] = first === "one" ? ["one", "two"] : ["two", "one"];
  return { ...all, mine, other };
}

timed("of several routers the next is asked when one is gone, or sends the player on", () => {
  for (const leave of [
    (router) => router.breaks(),
    (router) => {
      router.opens("router");
      router.says("goodbye", { code: "elsewhere", text: "" });
    },
  ]) {
    const { player, door, doors, mine, other } = betweenTwo();
    leave(door(mine));
    assert.equal(doors.length, 2);
    door(other).opens("router");
    assert.ok(door(other).last("hello"));
    assert.equal(player.state, "seeking");
    player.stop();
  }
});

timed("a router that accepts and says nothing is not waited for, and who is first is gone with", (pass) => {
  for (const late of [false, true]) {
    const { player, door, doors, mine, other } = betweenTwo();
    pass(299);
    assert.equal(doors.length, 1);
    pass(1);
    assert.equal(doors.length, 2);
    const [winner, loser] = late ? [door(mine), door(other)] : [door(other), door(mine)];
    winner.opens("router");
    assert.ok(winner.last("hello"));
    assert.equal(loser.readyState, 3);
    pass(700);
    assert.equal(doors.length, 2);
    player.stop();
  }
});

timed("a router that falls silent while it serves a player is left for the next", (pass) => {
  const { player, door, doors, mine, other } = betweenTwo();
  door(mine).opens("router");
  door(mine).says("identity", { player: "a1b2c3d4e5f60718", token: "a token" });
  pass(800);
  assert.equal(doors.length, 2);
  door(other).opens("router");
  assert.equal(door(other).last("hello").token, "a token");
  door(other).says("candidates", { candidates: [{ member: "gs-1", address: "gs-1:1" }] });
  pass(1000); // it waits for us now
  assert.deepEqual(door(other).last("pings").pings, {});
  door(other).says("redirect", redirect("gs-1"));
  assert.equal(player.state, "joining");
  player.stop();
});

timed("when all routers are silent the player comes to each again, with patience", (pass) => {
  const { player, doors, told } = betweenTwo();
  for (const each of doors) each.breaks();
  while (doors.some((each) => each.readyState !== 3)) doors.find((each) => each.readyState !== 3).breaks();
  assert.equal(doors.length, 4);
  assert.equal(told.filter(([event]) => event === "lost").length, 1);
  pass(3000);
  assert.ok(doors.length > 4); // and begins anew
  player.stop();
});

test("several routers are named in an array, or with commas, and are of one scheme", () => {
  const { player } = world();
  class Socket {
    close() {}
  }
  const made = (routers) => new player.constructor(routers, { WebSocket: Socket });
  made(["ws://one:4100", "clientmigration://two"]);
  made("wss://one/with,comma,wss://two");
  assert.throws(() => made("ws://one,wss://two"), TypeError);
  assert.throws(() => made("ws://one,two"), TypeError);
  assert.throws(() => made([]), TypeError);
});

test("views can be iterated, and end with the player", async () => {
  const { player, door } = playing();
  const seen = [];
  const reading = (async () => {
    for await (const view of player.views()) seen.push(view.tick);
  })();
  await Promise.resolve();
  for (let tick = 101; tick < 181; tick++) door("gs-1").shows(tick);
  player.stop();
  await reading;
  assert.deepEqual(seen, Array.from({ length: 64 }, (_, n) => 117 + n));
});

test("what is being fetched when the player stops is refused", async () => {
  const { player } = playing();
  const fetching = player.fetch("map");
  player.stop();
  await assert.rejects(fetching, /stopped/);
});

test("an input has to be bytes, and not too many", () => {
  const { player } = playing();
  for (const body of [new Uint8Array(257), "walk", undefined]) {
    assert.throws(() => player.act(body), RangeError);
  }
  player.stop();
});

timed("a player that its cluster forgets plays on as somebody new", (pass) => {
  const { player, door, kept } = playing();
  player.act(BODY);
  door("gs-1").shows(101, { last: 1 });
  player.act(BODY); // nobody applies it any more
  door("gs-1").breaks();
  door("router").opens("router");
  door("router").says("goodbye", { code: "not_authentic", text: "" });
  assert.deepEqual([player.token, kept.token], ["", ""]);
  pass(1000);
  door("router").opens("router");
  door("router").says("identity", { player: "00b2c3d4e5f60718", token: "a new token" });
  door("router").says("redirect", redirect("gs-2"));
  door("gs-2").opens("gameserver");
  assert.equal(door("gs-2").last("join").oldest, 0);
  door("gs-2").says("welcome", { player: player.name, member: "gs-2", ack: 0, rate: 20 });
  assert.deepEqual(door("gs-2").inputs, [1]);
  assert.deepEqual([player.name, player.token], ["00b2c3d4e5f60718", "a new token"]);
});

timed("who is no router ends it, and the end says why", (pass) => {
  const { player, door, doors } = world();
  player.start();
  door("router").readyState = 1;
  door("router").onopen();
  door("router").bytes(Uint8Array.of(72, 84, 84, 80));
  assert.equal(player.state, "ended");
  assert.match(player.ended, /^not_our_protocol: /);
  pass(60_000);
  assert.equal(doors.length, 1);
});

timed("a router that falls silent while the player stands in line is left", (pass) => {
  const { player, door } = world();
  player.start();
  door("router").opens("router");
  door("router").says("waiting", { position: 3 });
  pass(14_000);
  door("router").says("waiting", { position: 2 });
  pass(14_000);
  assert.equal(player.state, "seeking");
  pass(1_000);
  assert.equal(player.state, "waiting");
});

timed("a listener that fails is reported, and the player goes on", (pass) => {
  const { error } = console;
  const said = [];
  console.error = (what) => said.push(what.message);
  const { player, door, ticks } = playing();
  const off = player.on("view", () => {
    throw new Error("mine");
  });
  door("gs-1").shows(101);
  off();
  door("gs-1").shows(102);
  console.error = error;
  assert.deepEqual([said, ticks(), player.state], [["mine"], [100, 101, 102], "playing"]);
  pass(0);
});

test("what cannot be sent is refused where it is made", () => {
  const { player } = playing();
  for (const us of [-1, 5001, 0.5, "many"]) assert.throws(() => player.burn(us), BadInput);
  assert.throws(() => player.act(new Uint8Array(257)), BadInput);
  assert.throws(() => player.on("waiting", () => {}), BadInput);
  assert.throws(() => world({ group: "x".repeat(65) }), BadInput);
  assert.equal(player.burn(5000), 1);
  player.stop();
});

test("a token that no router can have written is not shown", () => {
  const { player, door } = world({ token: "x".repeat(1025) });
  player.start();
  door("router").opens("router");
  assert.equal(door("router").last("hello").token, "");
  player.stop();
});
