// node trigger.mjs sdk3|sdk4: every way to start a run, against a service that knows the task `echo`.
import { line, outcome, print, sdk } from "./sdk.mjs";

const { idempotencyKeys, runs, task, tasks } = sdk;
const echo = task({ id: "echo", run: async () => undefined });
const pollIntervalMs = 25;
const output = async (handle) => (await runs.poll(handle, { pollIntervalMs })).output;

const rich = {
  at: new Date("2026-11-24T12:00:00Z"),
  missing: undefined,
  small: 10n,
  big: 2n ** 70n,
  map: new Map([["a", new Date(0)]]),
  pairs: new Map([[{ a: 1 }, 2]]),
  set: new Set([1, 2]),
  list: [undefined, new Date(0)],
  "dotted.name": new Date(0),
  nothing: Number.NaN,
};
const [byId, byTask, report, polled] = await Promise.all([
  tasks.trigger("echo", rich).then(output),
  echo.trigger({ text: "olá" }).then(output),
  task({ id: "generate-monthly-reports", run: async () => undefined }).trigger({}).then(output),
  tasks.triggerAndPoll ? tasks.triggerAndPoll("echo", { n: 1 }, { pollIntervalMs }) : undefined,
]);

const key = await idempotencyKeys.create("order-1", { scope: "global" });
const first = await tasks.trigger("echo", { n: 1 }, { idempotencyKey: key });
const second = await tasks.trigger("echo", { n: 2 }, { idempotencyKey: key });
await runs.poll(first, { pollIntervalMs });
const third = await tasks.trigger("echo", { n: 1 }, { idempotencyKey: key }); // success keeps the key
const many = await Promise.all(
  Array.from({ length: 1000 }, () => tasks.trigger("echo", { n: 3 }, { idempotencyKey: "order-2", idempotencyKeyTTL: "1h" })),
);

const options = {
  delay: "1h", ttl: "10m", tags: ["a", "b"], maxAttempts: 2, maxDuration: 60, metadata: { step: 1, nested: { a: [1] } },
  concurrencyKey: "agency-1", machine: "small-1x", region: "eu", priority: 10, version: "20261124.1",
  queue: line === "sdk3" ? { name: "posts", concurrencyLimit: 3 } : "posts", idempotencyKey: "with-options",
};
const full = await runs.retrieve(await tasks.trigger("echo", { n: 4 }, options));
const dated = await runs.retrieve(await tasks.trigger("echo", {}, { delay: new Date(Date.now() + 3_600_000) }));

const wrong = {};
for (const [name, value] of Object.entries({
  delay: "soon", ttl: "never", tags: Array.from({ length: 11 }, (_, n) => `t${n}`), maxAttempts: 0, maxDuration: 1,
  priority: -1, metadata: { text: "x".repeat(256 * 1024) }, machine: "enormous", region: 5, version: 5, debounce: { key: "k", delay: "soon" }, idempotencyKeyTTL: "ages", concurrencyKey: "", queue: { name: "" },
})) {
  if (["priority", "region", "version", "debounce"].includes(name) && line === "sdk3") continue; // 4.x's own options
  wrong[name] = (await outcome(() => tasks.trigger("echo", {}, { [name]: value, idempotencyKey: "k" }))).error;
}

print({
  byId, byTask, report, polled, first, second, third, many: [...new Set(many.map((handle) => handle.id))], full, dated, wrong,
  say: await output(await tasks.trigger("say", "olá")),
  text: await outcome(() => tasks.trigger("echo", "text")),
  nothing: await output(await tasks.trigger("echo")),
  large: (await output(await tasks.trigger("echo", { text: '"é'.repeat(400_000) }))).text.length,
  tooLarge: await outcome(() => tasks.trigger("echo", { text: "x".repeat(3 * 1024 * 1024) })),
  unknown: await outcome(() => tasks.trigger("no-such-task", {})),
});
