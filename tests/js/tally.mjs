/* Runs scripts of events (JSON on the input) through the tally, and tells what it counts after each. */

import { readFileSync } from "node:fs";

import { Tally } from "../../services/clientmigration/status/static/clientmigration/tally.js";

const round = (number) => Math.round(number * 1e6) / 1e6;

function step(tally, [what, ...values]) {
  switch (what) {
    case "send":
      return tally.send(Uint8Array.from(Buffer.from(values[0], "hex")), values[1]).digest;
    case "show":
      return tally.show({ tick: values[0] }, values[1], values[2]).map(({ tick }) => tick);
    case "acknowledge": {
      const [last, applied, digest, now] = values;
      return tally.acknowledge({ last, applied, digest }, now) ?? null;
    }
    case "continue":
      return tally.continueFrom(values[0]) ?? null;
    case "taken up":
      return tally.takenUp(values[0]) ?? null;
    case "switched":
      return tally.switched(values[0]) ?? null;
    case "interrupted":
      return tally.interrupted() ?? null;
    case "begin":
      return tally.begin() ?? null;
    case "end": {
      const cost = tally.end();
      return cost && [cost.missed, round(cost.gapMs), round(cost.stallMs), cost.views];
    }
    case "forget":
      return tally.forget() ?? null;
  }
  throw new Error(what);
}

function counted(tally) {
  const { views, missed, lost, doubled, lastTick, acked, seq, digest } = tally;
  const sent = tally.after(acked).map((each) => [each.seq, Buffer.from(each.body).toString("hex")]);
  const counts = [views, missed, lost, doubled, lastTick, acked, seq, digest];
  return [...counts, tally.oldest(), round(tally.longestGapS), sent];
}

const scripts = JSON.parse(readFileSync(0, "utf8"));
const answers = scripts.map((script) => {
  const tally = new Tally();
  return script.map((event) => [step(tally, event), ...counted(tally)]);
});
process.stdout.write(JSON.stringify(answers));
