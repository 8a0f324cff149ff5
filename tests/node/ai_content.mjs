// node ai_content.mjs sdk3|sdk4 run_…: the Markdown that a page shows of an AI run's stream `content`.
import { print, sdk } from "./sdk.mjs";

const { runs, streams } = sdk;
const runId = process.argv[3];

const parts = [];
for await (const part of await (streams ? streams.read(runId, "content") : runs.fetchStream(runId, "content"))) {
  parts.push(part);
}
print({
  text: parts.slice(parts.lastIndexOf(null) + 1).join(""),
  joined: parts.join(""),
  texts: parts.filter((part) => part === null).length,
});
