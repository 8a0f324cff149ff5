// Starts jobs with Trigger.dev's SDK, which reads TRIGGER_API_URL and TRIGGER_SECRET_KEY, and shows their runs.
import { runs, tasks } from "@trigger.dev/sdk/v3";

/** Starts an agent for who is signed in. The answer has `publicAccessToken`, with which a browser may follow the run. */
export function writeContent({ agencyId, userId }, agentType, input) {
  return tasks.trigger("generate-ai-content", { agencyId, userId, agentType, input }, { tags: [`agency:${agencyId}`] });
}

/** Starts the report of one agency's last month. */
export function reportMonth({ agencyId }) {
  return tasks.trigger("generate-monthly-reports", { agencyId }, { tags: [`agency:${agencyId}`] });
}

/** What a page may know of a run of its own agency; `null` for any other. The error has no stack. */
export async function shownRun({ agencyId }, id) {
  const run = await runs.retrieve(id);
  if (run.payload?.agencyId !== agencyId) return null;
  return {
    jobId: run.id,
    status: run.status,
    done: run.isCompleted,
    output: run.output,
    error: run.error && { code: run.error.name, message: run.error.message },
  };
}

/** The run once it is done, or as it is after `seconds`. */
export async function waited(session, id, seconds, interval = 1000) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const run = await shownRun(session, id);
    if (!run || run.done || Date.now() + interval > end) return run;
    await new Promise((resolve) => setTimeout(resolve, interval));
  }
}

/** The answer to a call that the service refused: its own words for a wrong field, else that it is away. */
export function refusal(error) {
  const { status, message } = error ?? {};
  if (status === 404) return Response.json({ error: "Execução não encontrada" }, { status });
  if (status === 400 || status === 422) return Response.json({ error: message }, { status });
  console.error("jobs", error);
  return Response.json({ error: "Os jobs estão fora do ar. Tente de novo em instantes." }, { status: 503 });
}
