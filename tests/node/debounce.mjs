// node debounce.mjs sdk4: two triggers of one key in each mode, against a service that knows `echo`.
import { print, sdk } from "./sdk.mjs";

const { runs, tasks } = sdk;
const ids = new Set();
for (const mode of ["leading", "trailing"]) {
  for (const n of [1, 2]) ids.add((await tasks.trigger("echo", { n }, { debounce: { key: mode, delay: "1s", mode } })).id);
}
const outputs = [];
for (const id of ids) outputs.push((await runs.poll(id, { pollIntervalMs: 25 })).output);
print({ ids: ids.size, outputs });
