// node nextjs.mjs FOLDER: the example's routes as Next.js calls them, with plain Request and Response.
import { print } from "./sdk.mjs";

const folder = process.argv[3];
const trigger = await import(`${folder}/src/app/api/trigger/route.js`);
const form = await import(`${folder}/src/app/api/ai/copy-generator/route.js`);

const post = async (route, body, path = "/api/trigger") => {
  const request = new Request(`https://app.example.com${path}`, { method: "POST", body: JSON.stringify(body) });
  const response = await route.POST(request);
  return { status: response.status, body: await response.json() };
};
const get = async (jobId) => {
  const response = await trigger.GET(new Request(`https://app.example.com/api/trigger?jobId=${jobId}`));
  return { status: response.status, body: await response.json() };
};
const signIn = (agencyId) => (globalThis.session = agencyId && { user: { id: "user-456", agencyId } });

const fields = { objective: "vendas", product: "Smartphone", tone: "urgencia", persona: "", offer: "10% no Pix" };
const payload = { agencyId: "agency-124", agentType: "copy-generator", input: fields };

const nobody = await post(trigger, { type: "ai-content", payload });
signIn("agency-123");
const unknown = await post(trigger, { type: "payment-webhook", payload: {} });
const shapeless = await post(trigger, { type: "ai-content", payload: { agentType: "copy-generator" } });
const missing = await post(trigger, { type: "ai-content", payload: { ...payload, input: { product: "Smartphone" } } });
const started = await post(trigger, { type: "ai-content", payload });
const report = await post(trigger, { type: "monthly-report" });
let shown;
do {
  await new Promise((resolve) => setTimeout(resolve, 50));
  shown = await get(started.body.jobId);
} while (!shown.body.done);
const page = await fetch(`${process.env.TRIGGER_API_URL}/api/v3/runs/${started.body.jobId}`, {
  headers: { Authorization: `Bearer ${started.body.publicAccessToken}` },
});
const copies = await post(form, fields, "/api/ai/copy-generator");
signIn("agency-124");
const others = await get(started.body.jobId);
const none = await get("run_none");
signIn("agency-gone");
const failed = await post(form, fields, "/api/ai/copy-generator");

print({ nobody, unknown, shapeless, missing, started, report, shown, follows: page.status, copies, others, none, failed });
