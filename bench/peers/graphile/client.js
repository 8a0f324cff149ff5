// graphile-worker's client as a command: install, fill COUNT SECONDS or trigger SAMPLES. See bench/peers/client.py.
const { statSync } = require("node:fs");
const { setTimeout: sleep } = require("node:timers/promises");
const { Logger, makeWorkerUtils } = require("graphile-worker");

const now = () => (performance.timeOrigin + performance.now()) / 1000;
const [command, count, seconds] = process.argv.slice(2);

async function fill(utils) {
  const job = { identifier: "noop", payload: { sent_at: now(), seconds: Number(seconds) } };
  for (let left = Number(count); left > 0; left -= 1000) {
    await utils.addJobs(Array(Math.min(left, 1000)).fill(job));
  }
}

async function trigger(utils) {
  await utils.addJob("noop", { sent_at: now(), seconds: 0 });
  for (let waits = 0; statSync(process.env.STARTS).size === 0; waits += 1) {
    if (waits === 1200) throw new Error("no job started within 60 s");
    await sleep(50);
  }
  await sleep(1000);
  for (let sample = 0; sample < Number(count); sample += 1) {
    await utils.addJob("noop", { sent_at: now(), seconds: 0 });
    await sleep(50 + Math.random() * 500);
  }
}

async function main() {
  const logger = new Logger(() => () => {});
  const utils = await makeWorkerUtils({ connectionString: process.env.DATABASE_URL, logger });
  try {
    await { install: () => utils.migrate(), fill: () => fill(utils), trigger: () => trigger(utils) }[command]();
  } finally {
    await utils.release();
  }
}

main();
