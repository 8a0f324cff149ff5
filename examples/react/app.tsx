// A page of AgênciaOS that follows and starts jobs from the browser, with Trigger.dev's own React hooks.
//
// The hooks send requests to `baseURL`. They never read TRIGGER_API_URL, and without `baseURL` they send the tokens to
// Trigger.dev's servers. In Next.js it is `process.env.NEXT_PUBLIC_TRIGGER_API_URL`; the tokens come from the server,
// which has the secret key (see tokens.ts). No key is ever in the page.
import {
  TriggerAuthContext,
  useRealtimeBatch,
  useRealtimeRun,
  useRealtimeRunsWithTag,
  useRealtimeStream,
  useRealtimeTaskTrigger,
  useTaskTrigger,
  useWaitToken,
} from "@trigger.dev/react-hooks";
import { createRoot } from "react-dom/client";

export type Config = {
  apiUrl: string;
  reading: string; // reads what the page shows
  triggering: string; // starts the task `echo`, as often as the page likes
  once: string; // starts it a single time
  writing: string; // starts `generate-ai-content` for the agency
  agencyId: string;
  runId: string;
  tag: string;
  batchId: string;
  waitToken: { id: string; publicAccessToken: string };
};

function Run({ runId }: { runId: string }) {
  const { run, error } = useRealtimeRun(runId);
  return <p id="run">{error ? error.message : `${run?.taskIdentifier} ${run?.status}`}</p>;
}

function Words({ runId }: { runId: string }) {
  const { parts, error } = useRealtimeStream<string>(runId, "words");
  return <p id="words">{error ? error.message : parts.join(" ")}</p>;
}

/** The Markdown of a run while the model writes it: what follows the last `null`, with which a text begins. */
function Content({ runId, accessToken }: { runId: string; accessToken: string }) {
  const { parts, error } = useRealtimeStream<string | null>(runId, "content", { accessToken });
  return <pre id="content">{error ? error.message : parts.slice(parts.lastIndexOf(null) + 1).join("")}</pre>;
}

/** Starts an agent and shows its text as it grows. The token that reads the run comes with its handle. */
function Write({ accessToken, agencyId }: { accessToken: string; agencyId: string }) {
  const { submit, handle, error } = useTaskTrigger("generate-ai-content", { accessToken });
  const request = { agencyId, agentType: "META_ADS_COPY", input: { produto: "Smartphone" }, stream: true };
  return (
    <section>
      <button id="write" onClick={() => submit(request)}>Escrever</button>
      <span id="written">{error ? error.message : handle?.id}</span>
      {handle && <Content runId={handle.id} accessToken={handle.publicAccessToken} />}
    </section>
  );
}

/** One subscription for all runs of a tag: a page has six connections to a server over HTTP/1.1. */
function Runs({ tag }: { tag: string }) {
  const { runs, error } = useRealtimeRunsWithTag(tag);
  return <p id="runs">{error ? error.message : runs.map((run) => run.status).join(" ")}</p>;
}

function Batch({ batchId }: { batchId: string }) {
  const { runs, error } = useRealtimeBatch(batchId);
  return <p id="batch">{error ? error.message : runs.map((run) => run.status).join(" ")}</p>;
}

function Trigger({ accessToken }: { accessToken: string }) {
  const { submit, handle, error } = useTaskTrigger("echo", { accessToken });
  return (
    <p>
      <button id="trigger" onClick={() => submit({ text: "olá" })}>Gerar</button>
      <span id="triggered">{error ? error.message : handle?.id}</span>
    </p>
  );
}

function TriggerAndFollow({ accessToken, name }: { accessToken: string; name: string }) {
  const { submit, run, error } = useRealtimeTaskTrigger("echo", { accessToken });
  return (
    <p>
      <button id={name} onClick={() => submit({ text: "olá" })}>Gerar e acompanhar</button>
      <span id={`${name}-followed`}>{error ? error.message : run ? `${run.status} ${JSON.stringify(run.output)}` : ""}</span>
    </p>
  );
}

function Approve({ id, publicAccessToken }: Config["waitToken"]) {
  const { complete, isReady } = useWaitToken(id, { accessToken: publicAccessToken });
  return <button id="approve" disabled={!isReady} onClick={() => complete({ approved: true })}>Aprovar</button>;
}

export function App(config: Config) {
  return (
    <TriggerAuthContext.Provider value={{ accessToken: config.reading, baseURL: config.apiUrl }}>
      <Run runId={config.runId} />
      <Words runId={config.runId} />
      <Runs tag={config.tag} />
      <Batch batchId={config.batchId} />
      <Trigger accessToken={config.triggering} />
      <TriggerAndFollow accessToken={config.triggering} name="follow" />
      <TriggerAndFollow accessToken={config.once} name="once" />
      <Write accessToken={config.writing} agencyId={config.agencyId} />
      <Approve {...config.waitToken} />
    </TriggerAuthContext.Provider>
  );
}

const place = document.getElementById("app");
if (place) createRoot(place).render(<App {...(JSON.parse(place.dataset.config ?? "{}") as Config)} />);
