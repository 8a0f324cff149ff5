// POST /api/trigger starts a job for the session's agency; GET /api/trigger?jobId=run_… shows how far it is.
// Payments are not among the jobs: Guru calls the service itself, and a browser must not.
import { refusal, reportMonth, shownRun, writeContent } from "../../../lib/jobs.js";
import { signedIn } from "../../../lib/session.js";

const JOBS = {
  "ai-content": {
    message: "Geração de conteúdo iniciada",
    problem: ({ agentType, input }) =>
      typeof agentType === "string" && input !== null && typeof input === "object" && !Array.isArray(input)
        ? null
        : "Informe agentType e input",
    start: (session, { agentType, input }) => writeContent(session, agentType, input),
  },
  "monthly-report": {
    message: "Relatório mensal iniciado",
    problem: () => null,
    start: (session) => reportMonth(session),
  },
};

export async function POST(request) {
  const session = await signedIn();
  if (!session) return Response.json({ error: "Não autorizado" }, { status: 401 });
  const { type, payload } = await request.json().catch(() => ({}));
  const job = Object.hasOwn(JOBS, type) ? JOBS[type] : null;
  if (!job) return Response.json({ error: "Tipo de job não reconhecido" }, { status: 400 });
  const problem = job.problem(payload ?? {});
  if (problem) return Response.json({ error: problem }, { status: 400 });
  try {
    const { id, publicAccessToken } = await job.start(session, payload ?? {});
    return Response.json({ success: true, jobId: id, message: job.message, publicAccessToken });
  } catch (error) {
    return refusal(error);
  }
}

export async function GET(request) {
  const session = await signedIn();
  if (!session) return Response.json({ error: "Não autorizado" }, { status: 401 });
  try {
    const run = await shownRun(session, new URL(request.url).searchParams.get("jobId") ?? "");
    return run ? Response.json(run) : Response.json({ error: "Execução não encontrada" }, { status: 404 });
  } catch (error) {
    return refusal(error);
  }
}
