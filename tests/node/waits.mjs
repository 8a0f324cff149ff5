// node waits.mjs sdk3|sdk4: what holds runs back, against a service that knows `echo`, `slow` and `fail`.
import { outcome, print, sdk } from "./sdk.mjs";

const { idempotencyKeys, runs, tasks } = sdk;
const poll = (run) => runs.poll(run, { pollIntervalMs: 25 });
const limit = { queue: { name: "posts", concurrencyLimit: 1 }, concurrencyKey: "agency-1" };

// One after the other, in the order they came; a run with another key does not wait for them.
const keyed = [];
for (let n = 0; n < 5; n++) keyed.push(await tasks.trigger("slow", { seconds: 0.1 }, limit));
const other = await poll(await tasks.trigger("echo", {}, { ...limit, concurrencyKey: "agency-2" }));
const inOrder = await Promise.all(keyed.map(poll));

// While the key's only place is taken, a run behind it waits until its time to live is over, which frees its idempotency key.
const holder = await tasks.trigger("slow", {}, limit);
while (!(await runs.retrieve(holder)).isExecuting) await new Promise((resolve) => setTimeout(resolve, 25));
const idempotencyKey = await idempotencyKeys.create("waits", { scope: "global" });
const expired = await poll(await tasks.trigger("echo", {}, { ...limit, idempotencyKey, ttl: "1s" }));
const afterExpiry = await tasks.trigger("echo", {}, { ...limit, idempotencyKey, ttl: "10m" });
const waiting = await runs.retrieve(afterExpiry);
await runs.cancel(holder.id);
const succeeded = await poll(afterExpiry);
const afterSuccess = await tasks.trigger("echo", {}, { ...limit, idempotencyKey });

// A key holds for as long as was asked for.
const brief = await poll(await tasks.trigger("echo", {}, { idempotencyKey: "brief", idempotencyKeyTTL: "1s" }));
let afterItsTime;
do {
  await new Promise((resolve) => setTimeout(resolve, 25));
  afterItsTime = await tasks.trigger("echo", {}, { idempotencyKey: "brief", idempotencyKeyTTL: "1s" });
} while (afterItsTime.id === brief.id);

const timedOut = await poll(await tasks.trigger("slow", { seconds: 60 }, { maxDuration: 5, maxAttempts: 1 }));

print({
  inOrder, other, expired, afterExpiry, waiting, succeeded, afterSuccess, brief, afterItsTime, timedOut,
  tooShort: await outcome(() => tasks.trigger("slow", {}, { maxDuration: 4 })),
});
