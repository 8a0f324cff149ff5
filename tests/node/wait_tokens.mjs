// node wait_tokens.mjs sdk4 run_…: every call for wait tokens; the run waits for a token that has its id as a tag.
import { print, sdk } from "./sdk.mjs";

const { auth, wait } = sdk;
const runId = process.argv[3];
const options = { timeout: "1h", tags: ["order:1"], idempotencyKey: "order-1" };
const created = await wait.createToken(options);
const again = await wait.createToken(options);
await wait.completeToken(created, { approved: true });
const ids = async (query) => {
  const found = [];
  for await (const token of wait.listTokens(query)) found.push(token.id);
  return found;
};
const other = await wait.createToken();
let byPublicToken;
await auth.withAuth({ accessToken: other.publicAccessToken }, async () => {
  byPublicToken = await wait.completeToken(other.id, 1);
});
const ofRun = await ids({ tags: [runId] });
await wait.completeToken(ofRun[0], "aprovado");

print({
  created, again, byPublicToken, ofRun: ofRun.length,
  retrieved: await wait.retrieveToken(created), listed: await ids({ tags: ["order:1"], status: "COMPLETED", period: "1h" }),
});
