// node bulk.mjs sdk4: every call of runs.bulk, against a service with five delayed runs that are tagged `mine`.
import { print, sdk } from "./sdk.mjs";

const { bulk } = sdk.runs;
const cancel = await bulk.cancel({ filter: { tag: "mine" }, name: "mine" });
const done = await bulk.poll(cancel.id, { pollIntervalMs: 1000 });
const { id } = await bulk.replay({ filter: { tag: "mine", taskIdentifier: ["echo"], from: new Date(0) } });
const listed = [];
for await (const action of bulk.list({ limit: 1 })) listed.push(action.id);
await bulk.abort(id);

print({ done, retrieved: await bulk.retrieve(cancel.id), replay: await bulk.retrieve(id), listed });
