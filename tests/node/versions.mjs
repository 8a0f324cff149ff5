// node versions.mjs sdk30|sdk3|sdk40|sdk4|…: each call as callers make it: "✓" when it is answered, "–" when this SDK has no such call,
// otherwise the status of the refusal. The service knows `echo`, `slow` and `words`.
import { writeSync } from "node:fs";

import { sdk } from "./sdk.mjs";

const { auth, batch, idempotencyKeys, queues, runs, schedules, streams, task, tasks, wait } = sdk;
const found = {};
const has = (call) => call.split(".").reduce((place, name) => place?.[name], sdk) !== undefined;

/** Notes how a call goes; returns what it answers. */
async function tried(call, act) {
  if (!has(call)) return void (found[call] = "–");
  try {
    const answer = await act();
    found[call] = "✓";
    return answer;
  } catch (error) {
    if (!error.status) throw error;
    found[call] = String(error.status);
  }
}
const first = async (iterable) => {
  for await (const item of await iterable) return item;
};

const handle = await tried("tasks.trigger", () => tasks.trigger("echo", { n: 1 }, { tags: ["seen"] }));
await tried("task", () => task({ id: "echo", run: async () => undefined }).trigger({ n: 1 }));
await tried("tasks.triggerAndPoll", () => tasks.triggerAndPoll("echo", {}, {}, { pollIntervalMs: 25 }));
const many = await tried("tasks.batchTrigger", () => tasks.batchTrigger("echo", [{ payload: {} }]));
await tried("batch.trigger", () => batch.trigger([{ id: "echo", payload: {} }]));
await tried("batch.triggerByTask", () => batch.triggerByTask([{ task: { id: "echo" }, payload: {} }]));
await tried("batch.retrieve", () => batch.retrieve(many.batchId));
await tried("runs.poll", () => runs.poll(handle.id, { pollIntervalMs: 25 }));
await tried("runs.retrieve", () => runs.retrieve(handle.id));
await tried("runs.list", () => first(runs.list({ limit: 1 })));
await tried("runs.replay", () => runs.replay(handle.id));
const delayed = await tasks.trigger("slow", {}, { delay: "1h" });
await tried("runs.reschedule", () => runs.reschedule(delayed.id, { delay: "2h" }));
await tried("runs.cancel", () => runs.cancel(delayed.id));
await tried("idempotencyKeys.create", () => idempotencyKeys.create("k", { scope: "global" }));
await tasks.trigger("echo", {}, { idempotencyKey: "to-reset" });
await tried("idempotencyKeys.reset", async () => idempotencyKeys.reset("echo", await idempotencyKeys.create("to-reset", { scope: "global" })));

const plan = { task: "generate-monthly-reports", cron: "0 8 1 * *", deduplicationKey: "versions" };
const schedule = await tried("schedules.create", () => schedules.create(plan));
await tried("schedules.list", () => first(schedules.list()));
for (const call of ["retrieve", "deactivate", "activate"]) await tried(`schedules.${call}`, () => schedules[call](schedule.id));
await tried("schedules.update", () => schedules.update(schedule.id, plan));
await tried("schedules.del", () => schedules.del(schedule.id));
await tried("schedules.timezones", () => schedules.timezones());

await tried("runs.subscribeToRun", () => first(runs.subscribeToRun(handle.id)));
await tried("runs.subscribeToRunsWithTag", () => first(runs.subscribeToRunsWithTag("seen")));
await tried("runs.subscribeToBatch", () => first(runs.subscribeToBatch(many.batchId)));
const words = await tasks.trigger("words", {});
await tried("runs.fetchStream", async () => first(runs.fetchStream(words.id, "words")));
await tried("streams.read", async () => first(streams.read(words.id, "words")));

const reading = await tried("auth.createPublicToken", () => auth.createPublicToken({ scopes: { read: { runs: [handle.id] } } }));
await tried("auth.withAuth", () => auth.withAuth({ accessToken: reading }, () => runs.retrieve(handle.id)));
await tried("auth.withPublicToken", () => auth.withPublicToken({ scopes: { read: { runs: true } } }, () => runs.retrieve(handle.id)));
for (const [name, act] of Object.entries({
  Trigger: () => tasks.trigger("echo", {}),
  BatchTrigger: () => tasks.batchTrigger("echo", [{ payload: {} }]),
})) {
  const token = await tried(`auth.create${name}PublicToken`, () => auth[`create${name}PublicToken`]("echo"));
  if (token) await auth.withAuth({ accessToken: token }, act);
  await tried(`auth.with${name}PublicToken`, () => auth[`with${name}PublicToken`]("echo", {}, act));
}

const waiting = await tried("wait.createToken", () => wait.createToken({ timeout: "1h" }));
await tried("wait.completeToken", () => wait.completeToken(waiting.id, { ok: true }));
await tried("wait.retrieveToken", () => wait.retrieveToken(waiting.id));
await tried("wait.listTokens", () => first(wait.listTokens()));
const queue = { type: "task", name: "slow" };
await tried("queues.list", () => first(queues.list()));
for (const call of ["retrieve", "pause", "resume"]) await tried(`queues.${call}`, () => queues[call](queue));
await tried("queues.overrideConcurrencyLimit", () => queues.overrideConcurrencyLimit(queue, 5));
await tried("queues.resetConcurrencyLimit", () => queues.resetConcurrencyLimit(queue));
const bulk = await tried("runs.bulk.replay", () => runs.bulk.replay({ runIds: [handle.id] }));
await tried("runs.bulk.cancel", () => runs.bulk.cancel({ runIds: [handle.id] }));
await tried("runs.bulk.retrieve", () => runs.bulk.retrieve(bulk.id));
await tried("runs.bulk.list", () => first(runs.bulk.list()));
await tried("runs.bulk.abort", () => runs.bulk.abort(bulk.id));

writeSync(1, JSON.stringify(found));
process.exit(0);
