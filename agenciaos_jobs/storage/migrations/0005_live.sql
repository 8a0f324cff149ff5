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
