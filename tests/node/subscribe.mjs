// node subscribe.mjs sdk3|sdk4 run run_… | tag tag,… runs-to-end | batch batch_… runs-to-end: what a subscription yields.
import { line, print, sdk } from "./sdk.mjs";

const [kind, subject, expected] = process.argv.slice(3);
const seen = [];
const ended = new Set();
const follow = {
  run: () => sdk.runs.subscribeToRun(subject),
  tag: () => sdk.runs.subscribeToRunsWithTag(subject.split(",")),
  batch: () => sdk.runs.subscribeToBatch(subject),
};

const subscription = follow[kind]();
for await (const run of subscription) {
  seen.push(run);
  if (seen.length === 1) process.stderr.write("following\n");
  if (run.finishedAt) ended.add(run.id);
  // Line 4 ends the loop itself when a single run has ended; line 3 goes on, whatever server it talks to.
  if ((kind !== "run" || line === "sdk3") && ended.size >= Number(expected ?? 1)) break;
}
print(seen);
