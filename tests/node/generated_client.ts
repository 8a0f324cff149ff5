// The client that openapi-fetch makes of the types that openapi-typescript generated from the document. tsc checks it, then it is run.
import createClient from "openapi-fetch";

import type { components, paths } from "./api";

type Options = components["schemas"]["TaskOptions"];

const without: Options = {}; // no option is required
const client = createClient<paths>({
  baseUrl: process.env.TRIGGER_API_URL,
  headers: { Authorization: `Bearer ${process.env.TRIGGER_SECRET_KEY}` },
});

const triggered = await client.POST("/api/v1/tasks/{task}/trigger", {
  params: { path: { task: "echo" } },
  body: { payload: { n: 1 }, options: { ...without, tags: ["typed"] } },
});
const runId: string = triggered.data!.id;
const replayed = await client.POST("/api/v1/runs/{run_id}/replay", { params: { path: { run_id: runId } } });
const retrieved = await client.GET("/api/v3/runs/{run_id}", { params: { path: { run_id: runId } } });
const listed = await client.GET("/api/v1/runs", { params: { query: { "filter[tag]": "typed" } } });
const unknown = await client.GET("/api/v3/runs/{run_id}", { params: { path: { run_id: "run_none" } } });
const reason: string | undefined = typeof unknown.error === "object" ? unknown.error.error : unknown.error;
const queued: boolean = retrieved.data!.isQueued;

const listedIds: string[] = listed.data!.data.map((run) => run.id);
console.log(JSON.stringify({ runId, replayOf: replayed.data!.id, queued, payload: retrieved.data!.payload, tags: retrieved.data!.tags, listedIds, reason }));
