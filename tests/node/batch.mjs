// node batch.mjs sdk3|sdk4: batches of each kind, against a service that knows `echo` and `slow`.
import { line, outcome, print, sdk } from "./sdk.mjs";

const { batch, runs, task, tasks } = sdk;
const echo = task({ id: "echo", run: async () => undefined });
const items = Array.from({ length: 500 }, (_, n) => ({ payload: { n, at: new Date(n) }, options: { delay: "1h", tags: ["many"] } }));

const many = await tasks.batchTrigger("echo", items);
const small = await echo.batchTrigger([{ payload: { n: 1 } }, { payload: { n: 2 }, options: { idempotencyKey: "two" } }]);
const same = await tasks.batchTrigger("echo", [{ payload: { n: 2 }, options: { idempotencyKey: "two" } }, { payload: { n: 3 }, options: { idempotencyKey: "two" } }]);
const mixed = await batch.trigger([{ id: "echo", payload: { n: 4 } }, { id: "slow", payload: { seconds: 0 } }]);
const keyed = await tasks.batchTrigger("echo", [{ payload: { n: 5 } }], { idempotencyKey: "batch" });
const keyedAgain = await tasks.batchTrigger("echo", [{ payload: { n: 5 } }], { idempotencyKey: "batch" });

let state = await batch.retrieve(small.batchId);
while (state.status !== "COMPLETED") state = await batch.retrieve(small.batchId);
const listed = [];
for await (const run of runs.list({ batch: small.batchId })) listed.push(await runs.retrieve(run.id));

print({
  many: many.batchId, manyState: await batch.retrieve(many.batchId), small, same: same.batchId, mixed: mixed.batchId, state, listed,
  keyed: [keyed.batchId, keyedAgain.batchId],
  unknown: await outcome(() => tasks.batchTrigger("nothing", [{ payload: {} }])),
  wrong: await outcome(() => tasks.batchTrigger("echo", [{ payload: {} }, { payload: {}, options: { maxAttempts: 0 } }])),
  large: line === "sdk4" ? (await tasks.batchTrigger("echo", [{ payload: { text: "é".repeat(200_000) } }])).batchId : null,
});
