// node runs.mjs sdk3|sdk4: what is asked and done by a run's id, against a service that knows `echo`, `slow` and `fail`.
import { line, outcome, print, sdk } from "./sdk.mjs";

const { idempotencyKeys, runs, tasks } = sdk;
const api = process.env.TRIGGER_API_URL;
const headers = { authorization: `Bearer ${process.env.TRIGGER_SECRET_KEY}`, "content-type": "application/json" };
const send = async (method, path, body) =>
  (await fetch(api + path, { method, headers, body: JSON.stringify(body) })).json();
const poll = (run) => runs.poll(run, { pollIntervalMs: 25 });

const failed = await poll(await tasks.trigger("fail", { twice: true }, { tags: ["bad"] }));
const again = await poll(await runs.replay(failed.id));
const edited = line === "sdk4" ? await poll(await runs.replay(failed.id, { payload: { at: new Date(0) }, tags: ["x"] })) : null;

const slow = await tasks.trigger("slow", {});
const waiting = await tasks.trigger("echo", { n: 1 }, { delay: "1h", ttl: "1h" });
const moved = await runs.reschedule(waiting.id, { delay: "2h" });
const sooner = await runs.reschedule(waiting.id, { delay: new Date(Date.now() + 500) });
const ran = await poll(waiting);
const tooLate = await outcome(() => runs.reschedule(waiting.id, { delay: "1h" }));
while (!(await runs.retrieve(slow.id)).isExecuting) await new Promise((resolve) => setTimeout(resolve, 25));
const executing = await runs.retrieve(slow.id);
const canceledId = await runs.cancel(slow.id);
const canceled = await poll(slow);
const canceledAgain = await runs.cancel(slow.id);

const key = await idempotencyKeys.create("k", { scope: "global" });
const cancelMe = await tasks.trigger("slow", {}, { idempotencyKey: key, delay: "1h" });
await runs.cancel(cancelMe.id);
const kept = await tasks.trigger("slow", {}, { idempotencyKey: key, delay: "1h" });
const failing = await poll(await tasks.trigger("fail", {}, { idempotencyKey: key }));
const freed = await tasks.trigger("fail", {}, { idempotencyKey: key });
const reset = line === "sdk4" ? await idempotencyKeys.reset("slow", key) : await send("POST", `/api/v1/idempotencyKeys/${key}/reset`, { taskIdentifier: "slow" });
const afterReset = await tasks.trigger("slow", {}, { idempotencyKey: key, delay: "1h" });
const resetAgain = await fetch(`${api}/api/v1/idempotencyKeys/nothing/reset`, { method: "POST", headers, body: JSON.stringify({ taskIdentifier: "slow" }) });

// metadata and tags are changed from inside of a task by the SDK; the requests are the ones that it sends.
const operations = [
  { type: "set", key: "$.progress.done", value: 1 }, { type: "increment", key: "count", value: 2 },
  { type: "append", key: "list", value: "a" }, { type: "append", key: "list", value: "b" }, { type: "remove", key: "list", value: "a" },
];
await send("PUT", `/api/v1/runs/${ran.id}/metadata`, { metadata: { old: true } });
const metadata = await send("PUT", `/api/v1/runs/${ran.id}/metadata`, { operations });
const metadataRead = await send("GET", `/api/v1/runs/${ran.id}/metadata`);
const tagged = await send("POST", `/api/v1/runs/${ran.id}/tags`, { tags: ["one", "two"] });
const tooMany = await send("POST", `/api/v1/runs/${ran.id}/tags`, { tags: Array.from({ length: 9 }, (_, n) => `t${n}`) });

print({
  failed, again, edited, moved, sooner, ran, tooLate, executing, canceledId, canceled, canceledAgain,
  keys: { first: cancelMe.id, kept: kept.id, failing: failing.id, freed: freed.id, afterReset: afterReset.id, reset },
  resetAgain: resetAgain.status, metadata, metadataRead, tagged, tooMany, changed: await runs.retrieve(ran.id),
  missing: await outcome(() => runs.retrieve("run_missing")),
  noReplay: await outcome(() => runs.replay("run_missing")),
  // What there is not, by the SDK where it has a call for it.
  notHere: Object.fromEntries(await Promise.all([
    "GET /api/v1/deployments", "GET /api/v1/projects/proj_x/envvars/prod", "GET /api/v1/prompts", "GET /api/v1/concurrency-limits",
    "POST /api/v1/sessions", "GET /api/v1/runs/run_x/trace", "POST /realtime/v1/streams/run_x/input/key", "GET /engine/v1/anything",
  ].map(async (call) => {
    const [method, path] = call.split(" ");
    const response = await fetch(api + path, { method, headers });
    return [call, { status: response.status, error: (await response.json()).error }];
  }))),
});
