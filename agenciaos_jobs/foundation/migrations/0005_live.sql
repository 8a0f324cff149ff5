-- What follows runs while they change, and schedules made over the API.

CREATE TABLE jobs.watchers (
  id text PRIMARY KEY,
  lease_until timestamptz NOT NULL
);

COMMENT ON TABLE jobs.watchers IS 'One row a server that listens for changed runs. While there is none, a change tells nobody.';
COMMENT ON COLUMN jobs.watchers.lease_until IS 'By the database''s own clock: a trigger knows no other.';

CREATE FUNCTION jobs.announce_changed_runs() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM jobs.watchers WHERE lease_until > clock_timestamp()) THEN
    -- A payload takes 8,000 bytes: 250 ids. A statement that changes more than a thousand runs says "anything".
    PERFORM pg_notify('agenciaos_jobs_runs', CASE WHEN min(changes) <= 1000 AND sum(length(id) + 1) < 8000
                                                  THEN string_agg(id, ',') ELSE '*' END)
    FROM (SELECT id, count(*) OVER () AS changes, (row_number() OVER () - 1) / 250 AS part FROM changed) AS numbered
    GROUP BY part;
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER announce_new_runs AFTER INSERT ON jobs.runs
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION jobs.announce_changed_runs();
CREATE TRIGGER announce_changed_runs AFTER UPDATE ON jobs.runs
  REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION jobs.announce_changed_runs();

CREATE FUNCTION jobs.changed_since(written_by xid, seen pg_snapshot) RETURNS boolean
LANGUAGE sql STABLE AS $$
  -- A row tells the low half of the transaction that wrote it; the high half is the newest that is not in the future.
  SELECT NOT pg_visible_in_snapshot(CASE WHEN low <= next & 4294967295 THEN (next & ~4294967295) | low
                                         ELSE greatest(((next & ~4294967295) | low) - 4294967296, 3) END::text::xid8, seen)
  FROM (SELECT written_by::text::bigint AS low, pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next) AS halves
$$;

COMMENT ON FUNCTION jobs.changed_since IS 'Whether a row''s version (its xmin) is newer than what a snapshot could see.';

CREATE VIEW jobs.live_runs AS
SELECT run.id, run.task, run.status, run.payload, run.output, run.error, run.tags, run.idempotency_key,
       run.metadata, run.is_test, run.created_at, run.updated_at, run.started_at, run.delayed_until, run.expires_at,
       run.finished_at,
       (SELECT coalesce(sum(extract(epoch FROM attempt.finished_at - attempt.started_at)), 0)
        FROM jobs.attempts AS attempt WHERE attempt.run_id = run.id)::float8 AS seconds,
       (SELECT coalesce(sum(ai.cost), 0) FROM jobs.ai_generations AS ai WHERE ai.run_id = run.id)::float8 AS dollars,
       run.xmin AS written_by
FROM jobs.runs AS run;

COMMENT ON VIEW jobs.live_runs IS 'A run as its subscribers are told of it: with what it took and cost.';

ALTER TABLE jobs.schedules
  ADD COLUMN type text NOT NULL DEFAULT 'DECLARATIVE' CHECK (type IN ('DECLARATIVE', 'IMPERATIVE')),
  ADD COLUMN active boolean NOT NULL DEFAULT true,
  ADD COLUMN external_id text,
  ADD COLUMN deduplication_key text,
  ADD COLUMN next_slot timestamptz,
  ADD COLUMN fired_slot timestamptz,
  ADD COLUMN updated_at timestamptz;

COMMENT ON COLUMN jobs.schedules.type IS 'DECLARATIVE: a job declares it for itself. IMPERATIVE: it was made over the API.';
COMMENT ON COLUMN jobs.schedules.last_slot IS 'No slot at or before it makes a run any more.';
COMMENT ON COLUMN jobs.schedules.next_slot IS 'The first slot after last_slot; null until a worker has declared the schedule.';
COMMENT ON COLUMN jobs.schedules.fired_slot IS 'The last slot that made a run, if one has.';

CREATE UNIQUE INDEX schedules_by_key ON jobs.schedules (deduplication_key);
CREATE INDEX schedules_due ON jobs.schedules (next_slot) WHERE active;
