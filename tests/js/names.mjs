/* Tells what the JavaScript player makes public, as JSON: its exports, and its class's own names. */

import * as offered from "../../services/clientmigration/status/static/clientmigration/index.js";
import { Listeners } from "../../services/clientmigration/status/static/clientmigration/listeners.js";
import { world } from "./doors.mjs";

const { player } = world();
const members = Object.getOwnPropertyNames(offered.Player.prototype);
const events = ["view", "state", "move", "lost", "position", "identity", "waiting", "moved"];
const known = events.filter((event) => {
  try {
    return new Listeners().on(event, () => {});
  } catch {
    return false;
  }
});

process.stdout.write(
  JSON.stringify({
    exports: Object.keys(offered),
    members: members.filter((name) => name !== "constructor"),
    events: known,
    counts: Object.keys(player.counts),
  }),
);
