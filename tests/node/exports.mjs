// node exports.mjs sdk3|sdk4: the calls that the SDK has, as `object.call`.
import { print, sdk } from "./sdk.mjs";

const objects = [
  "auth", "batch", "concurrencyLimits", "deployments", "envvars", "idempotencyKeys", "metadata", "prompts", "query", "queues", "runs",
  "schedules", "sessions", "streams", "tags", "tasks", "wait", "webhooks",
];
print(objects.flatMap((name) => Object.keys(sdk[name] ?? {}).map((call) => `${name}.${call}`)));
