// node retrieve.mjs sdk3|sdk4 run_…: the run, polled to its end.
import { print, sdk } from "./sdk.mjs";

const run = await sdk.runs.poll(process.argv[3], { pollIntervalMs: 50 });
print({ id: run.id, status: run.status, output: run.output });
