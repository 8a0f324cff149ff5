// node schedules.mjs sdk3|sdk4: a schedule's life, as schedules.* tells it.
import { outcome, print, sdk } from "./sdk.mjs";

const { schedules } = sdk;
const task = "generate-monthly-reports";
const asked = { task, cron: "0 6 * * *", timezone: "America/Sao_Paulo", externalId: "agency-1", deduplicationKey: "daily" };

const created = await schedules.create(asked);
const again = await schedules.create({ ...asked, cron: "0 0 L * *" });
const updated = await schedules.update(created.id, { task, cron: "30 2 * * 5L", externalId: "agency-2" });
const deactivated = await schedules.deactivate(created.id);
const activated = await schedules.activate(created.id);
const retrieved = await schedules.retrieve(created.id);
const page = await schedules.list({ page: 1, perPage: 10 });
const declared = page.data.find((schedule) => schedule.type === "DECLARATIVE");
const all = [];
for await (const schedule of schedules.list({ perPage: 1 })) all.push(schedule.id);

print({
  created,
  again,
  updated,
  deactivated,
  activated,
  retrieved,
  count: page.pagination.count,
  all,
  nextRunIsDate: created.nextRun instanceof Date,
  declared,
  delDeclared: await outcome(() => schedules.del(declared.id)),
  wrongCron: await outcome(() => schedules.create({ ...asked, cron: "0 0 30 2 *" })),
  deleted: await schedules.del(created.id),
  gone: await outcome(() => schedules.retrieve(created.id)),
  timezones: (await schedules.timezones()).timezones,
  withoutUtc: (await schedules.timezones({ excludeUtc: true })).timezones,
});
