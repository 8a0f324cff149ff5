// node old_batch.mjs sdk30: the calls of SDK 3.0 that later lines send otherwise, against a service that knows `echo`.
import { outcome, print, sdk } from "./sdk.mjs";

const { runs, tasks } = sdk;
const batch = await tasks.batchTrigger("echo", [{ payload: { n: 1 } }, { payload: { n: 2 }, options: { tags: ["two"] } }]);
const polled = [];
for (const { id } of batch.runs) polled.push(await runs.poll(id, { pollIntervalMs: 25 }));

print({
  batchId: batch.batchId, outputs: polled.map((run) => run.output), tags: polled[1].tags,
  single: (await tasks.triggerAndPoll("echo", { n: 3 }, {}, { pollIntervalMs: 25 })).output,
  unknown: await outcome(() => tasks.batchTrigger("nothing", [{ payload: {} }])),
  wrong: await outcome(() => tasks.batchTrigger("echo", [{ payload: {}, options: { maxAttempts: 0 } }])),
});
