// node repeat.mjs sdk3|sdk4: one trigger through a proxy that refuses the first request, and loses the answer to the next.
import { createServer } from "node:http";

import { line, print, sdk } from "./sdk.mjs";

const api = process.env.TRIGGER_API_URL;
const seen = [];

const proxy = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  seen.push(request.headers["x-trigger-request-idempotency-key"] ?? null);
  if (seen.length === 1) return response.writeHead(503).end();
  const { host, connection, "content-length": _, ...headers } = request.headers;
  const answer = await fetch(api + request.url, { method: request.method, headers, body: Buffer.concat(chunks) });
  const body = await answer.text();
  // Line 3 does not repeat by itself what was cut off.
  if (seen.length === 2 && line === "sdk4") return response.destroy();
  response.writeHead(answer.status, { "content-type": "application/json" }).end(body);
});
await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));

sdk.configure({ baseURL: `http://127.0.0.1:${proxy.address().port}` });
const handle = await sdk.tasks.trigger("echo", {});
print({ id: handle.id, requests: seen });
