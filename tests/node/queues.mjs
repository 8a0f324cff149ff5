// node queues.mjs sdk4: every call for queues, against a service that knows `slow` and the queue `posts`.
import { outcome, print, sdk } from "./sdk.mjs";

const { queues } = sdk;
const slow = { type: "task", name: "slow" };
const posts = { type: "custom", name: "posts" };
const list = [];
for await (const queue of queues.list({ perPage: 5 })) list.push(queue);
const byName = await queues.retrieve(posts);

print({
  list, byName,
  byId: await queues.retrieve(byName.id),
  paused: await queues.pause(slow),
  resumed: await queues.resume(slow),
  overridden: await queues.overrideConcurrencyLimit(posts, 7),
  reset: await queues.resetConcurrencyLimit(posts),
  unknown: await outcome(() => queues.retrieve("queue_unknown")),
});
