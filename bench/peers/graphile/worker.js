// graphile-worker with the batching options that its performance page uses.
const { appendFileSync } = require("node:fs");
const { Logger, run } = require("graphile-worker");

const slots = Number(process.env.SLOTS);
const buffer = [];
const now = () => (performance.timeOrigin + performance.now()) / 1000;

// As bench/peers/starts.py does.
function record(startedAt, sentAt) {
  if (buffer.length === 0) setTimeout(() => appendFileSync(process.env.STARTS, buffer.splice(0).join("")), 50);
  buffer.push(`${startedAt.toFixed(6)} ${sentAt.toFixed(6)}\n`);
}

async function noop({ sent_at, seconds }) {
  const startedAt = now();
  if (seconds) await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  record(startedAt, sent_at);
}

run({
  preset: {
    worker: {
      connectionString: process.env.DATABASE_URL,
      concurrentJobs: slots,
      maxPoolSize: 25,
      localQueue: { size: 500 },
      completeJobBatchDelay: 0,
      failJobBatchDelay: 0,
      logger: new Logger(() => (level, message) => level === "error" && console.error(message)),
    },
  },
  taskList: { noop },
}).then((runner) => runner.promise);
