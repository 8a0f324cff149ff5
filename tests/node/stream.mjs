// node stream.mjs sdk3|sdk4 run_…: what readers get of a run's stream `words`, and of one that nobody writes.
import { print, sdk } from "./sdk.mjs";

const { runs, streams } = sdk;
const runId = process.argv[3];

async function chunks(stream) {
  const seen = [];
  for await (const chunk of stream) {
    if (seen.length === 0) process.stderr.write("following\n");
    seen.push(chunk);
  }
  return seen;
}

/** `withStreams` yields the run too, and goes on until its reader stops. */
async function alongWithTheRun() {
  const seen = [];
  for await (const part of runs.subscribeToRun(runId).withStreams()) {
    if (part.type === "words" && seen.push(part.chunk) === words.length) break;
  }
  return seen;
}

const words = await chunks(await runs.fetchStream(runId, "words"));
print({
  words,
  read: streams ? await chunks(await streams.read(runId, "words")) : words,
  from: streams ? await chunks(await streams.read(runId, "words", { startIndex: 2 })) : words.slice(2),
  nothing: await chunks(await runs.fetchStream(runId, "nothing")),
  along: await alongWithTheRun(),
});
