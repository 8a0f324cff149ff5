// node trigger_token.mjs sdk3|sdk4: what the SDK's own trigger tokens allow, against a service that knows `echo`.
import { outcome, print, sdk } from "./sdk.mjs";

const { auth, runs, tasks } = sdk;
const pollIntervalMs = 25;

async function as(accessToken, call) {
  let seen;
  await auth.withAuth({ accessToken }, async () => {
    seen = await outcome(call);
  });
  return seen;
}

/** Triggers, and reads the run with the token of its handle. */
async function echo(payload) {
  const handle = await tasks.trigger("echo", payload);
  return (await as(handle.publicAccessToken, () => runs.poll(handle.id, { pollIntervalMs }))).answer;
}

const once = await auth.createTriggerPublicToken("echo");
const often = await auth.createTriggerPublicToken("echo", { multipleUse: true });
const ofBatches = await auth.createBatchTriggerPublicToken("echo");
const handle = await tasks.trigger("echo", {});

print({
  first: await as(once, () => echo({ n: 1 })),
  again: await as(once, () => echo({ n: 1 })),
  many: [await as(often, () => echo({ n: 2 })), await as(often, () => echo({ n: 3 }))],
  other: await as(often, () => tasks.trigger("say", "olá")),
  batch: await as(ofBatches, async () => (await tasks.batchTrigger("echo", [{ payload: {} }, { payload: {} }])).runCount ?? 2),
  cancel: await as(often, () => runs.cancel(handle.id)),
  large: await as(often, async () => (await echo({ text: "x".repeat(300_000) })).output.text.length),
});
