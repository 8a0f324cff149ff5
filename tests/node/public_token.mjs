// node public_token.mjs sdk3|sdk4 run_mine run_other: what tokens for the first, and for its tag, let their bearer do.
import { outcome, print, sdk } from "./sdk.mjs";

const { auth, runs, tasks } = sdk;
const [mine, other] = process.argv.slice(3);

const byRun = await auth.createPublicToken({ scopes: { read: { runs: [mine] } } });
const byTag = await auth.createPublicToken({ scopes: { read: { tags: ["mine"] } }, expirationTime: "1h" });
const expired = await auth.createPublicToken({ scopes: { read: { runs: true } }, expirationTime: new Date(Date.now() - 1000) });
const tampered = byRun.slice(0, -6) + (byRun.endsWith("AAAAAA") ? "BBBBBB" : "AAAAAA");

async function as(accessToken, call) {
  let seen;
  await auth.withAuth({ accessToken }, async () => {
    seen = await outcome(call);
  });
  return seen;
}

async function follow() {
  const seen = [];
  for await (const run of runs.subscribeToRun(mine)) {
    seen.push(run);
    if (run.finishedAt) return seen;
  }
  return seen;
}

const handle = await tasks.trigger("generate-monthly-reports", {});

print({
  byRun: await as(byRun, () => runs.retrieve(mine)),
  byTag: await as(byTag, () => runs.retrieve(mine)),
  followed: (await as(byRun, follow)).answer,
  other: await as(byRun, () => runs.retrieve(other)),
  cancel: await as(byRun, () => runs.cancel(mine)),
  ofHandle: await as(handle.publicAccessToken, () => runs.retrieve(handle.id)),
  list: await as(byRun, async () => (await runs.list()).data),
  listByTag: await as(byTag, async () => (await runs.list({ tag: "mine" })).data),
  trigger: await as(byRun, () => tasks.trigger("generate-monthly-reports", {})),
  replay: await as(byRun, () => runs.replay(mine)),
  expired: await as(expired, () => runs.retrieve(mine)),
  tampered: await as(tampered, () => runs.retrieve(mine)),
});
