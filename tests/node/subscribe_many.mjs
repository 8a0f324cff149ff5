// node subscribe_many.mjs sdk3|sdk4 run_…,run_…: follows all of them at once; what each ended in, once all have ended.
import { print, sdk } from "./sdk.mjs";

const ids = process.argv[3].split(",");

async function follow(id) {
  for await (const run of sdk.runs.subscribeToRun(id)) {
    if (run.finishedAt) return run.status;
  }
}

print(await Promise.all(ids.map(follow)));
