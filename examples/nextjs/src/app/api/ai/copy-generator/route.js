// The route behind one form, as its page calls it: the form's fields come in, { success, copies, message } goes out.
// Every other form is the same with another slug and another key: docs/agents.md names both.
import { refusal, waited, writeContent } from "../../../../lib/jobs.js";
import { signedIn } from "../../../../lib/session.js";

/** Next.js's limit for this route, in seconds. */
export const maxDuration = 60;

const WAIT = 50;

export async function POST(request) {
  const session = await signedIn();
  if (!session) return Response.json({ success: false, error: "Não autorizado" }, { status: 401 });
  try {
    const { id } = await writeContent(session, "copy-generator", await request.json());
    const run = await waited(session, id, WAIT);
    if (run?.status === "COMPLETED") {
      return Response.json({ success: true, copies: run.output.copies, message: "Copies geradas com sucesso" });
    }
    if (run && !run.done) {
      return Response.json({ success: false, jobId: id, error: "A copy ainda está sendo escrita" }, { status: 202 });
    }
    return Response.json({ success: false, error: run?.error?.message, code: run?.error?.code }, { status: 502 });
  } catch (error) {
    return refusal(error);
  }
}
