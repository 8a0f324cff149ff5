// node list.mjs sdk3|sdk4 BATCH: runs.list with its filters and its pages.
import { outcome, print, sdk } from "./sdk.mjs";

const { runs, tasks } = sdk;
const ids = (page) => page.data.map((run) => run.id);
const all = async (query) => {
  const found = [];
  for await (const run of runs.list(query)) found.push(run.id);
  return found;
};

const first = await runs.list({ limit: 4 });
const second = await first.getNextPage();
for (let n = 0; n < 3; n++) await tasks.trigger("slow", {}, { delay: "1h", tags: ["late"] }); // they come while somebody reads
const third = await second.getNextPage();
const back = await third.getPreviousPage();
const newest = await (await back.getPreviousPage()).getPreviousPage();

const filters = {
  status: { status: "FAILED" }, statuses: { status: ["COMPLETED", "FAILED"] }, foreign: { status: "FROZEN" },
  task: { taskIdentifier: "echo" }, tasks: { taskIdentifier: ["echo", "fail"] }, tag: { tag: "a" }, tags: { tag: ["a", "b"] },
  none: { tag: "no-such-tag" }, past: { to: new Date("2020-01-01") }, from: { from: new Date(Date.now() - 3_600_000) },
  period: { period: "1d" }, future: { from: Date.now() + 3_600_000 }, test: { isTest: true }, version: { version: "1.2.3" },
  schedule: { schedule: "sched_x" }, both: { status: "COMPLETED", tag: "b" }, batch: { batch: process.argv[3] },
};
const found = {};
for (const [name, query] of Object.entries(filters)) found[name] = await all(query);

print({
  pages: [first, second, third, back, newest].map(ids), example: first.data[0], paged: await all({ limit: 3 }), found,
  hasPrevious: [first, second].map((page) => page.hasPreviousPage()),
  project: ids(await runs.list("proj_anything", { limit: 2 })).length,
  wrong: (await outcome(() => runs.list({ limit: 1000 }))).error,
  wrongPeriod: (await outcome(() => runs.list({ period: "long" }))).error,
});
