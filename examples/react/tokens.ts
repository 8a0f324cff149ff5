// What the server gives the page: tokens that allow what the page does, and nothing else. TRIGGER_API_URL and
// TRIGGER_SECRET_KEY are set here, on the server.
import { auth, wait } from "@trigger.dev/sdk/v3";

import type { Config } from "./app";

type Given = Omit<Config, "apiUrl">;

export async function tokens(runId: string, tag: string, batchId: string, agencyId: string): Promise<Given> {
  // With the agency among the scopes, the service refuses to start the task for any other.
  const writing = { trigger: { tasks: "generate-ai-content" }, agency: { [agencyId]: true } };
  const { id, publicAccessToken } = await wait.createToken({ timeout: "1d", tags: [runId] });
  return {
    reading: await auth.createPublicToken({ scopes: { read: { runs: [runId], tags: [tag], batch: [batchId] } } }),
    triggering: await auth.createTriggerPublicToken("echo", { multipleUse: true, expirationTime: "1h" }),
    once: await auth.createTriggerPublicToken("echo"),
    writing: await auth.createPublicToken({ scopes: writing, expirationTime: "1h" }),
    agencyId,
    runId,
    tag,
    batchId,
    waitToken: { id, publicAccessToken },
  };
}
