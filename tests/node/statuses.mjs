// node statuses.mjs sdk3|sdk4 run_…,run_…: how each run is told, by its id, in the list, and to who follows it.
import { print, sdk } from "./sdk.mjs";

const { runs } = sdk;
const ids = process.argv[3].split(",");

async function followed(id) {
  for await (const run of runs.subscribeToRun(id)) return run.status;
}

const listed = {};
for await (const run of runs.list({ limit: 100 })) listed[run.id] = run.status;

const told = [];
for (const id of ids) {
  const { status, isQueued, isExecuting, isCompleted, isSuccess, isFailed, isCancelled } = await runs.retrieve(id);
  const flags = Object.entries({ isQueued, isExecuting, isCompleted, isSuccess, isFailed, isCancelled });
  told.push({ status, flags: flags.filter(([, is]) => is).map(([name]) => name), listed: listed[id], followed: await followed(id) });
}
print(told);
