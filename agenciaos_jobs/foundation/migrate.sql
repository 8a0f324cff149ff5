-- name: lock
SELECT pg_advisory_xact_lock(hashtext('agenciaos_jobs.migrate'))

-- name: prepare
CREATE SCHEMA IF NOT EXISTS jobs;
CREATE TABLE IF NOT EXISTS jobs.schema_migrations (
  version integer PRIMARY KEY,
  name text NOT NULL,
  applied_at timestamptz NOT NULL
)

-- name: limit_lock_wait
SET LOCAL lock_timeout = '300ms'

-- name: lock_statement
-- The statement that locks the tables in schema jobs that a text names; null if it names none.
SELECT 'LOCK TABLE ' || string_agg(oid::regclass::text, ', ' ORDER BY relname) || ' IN ACCESS EXCLUSIVE MODE'
FROM pg_class
WHERE relnamespace = 'jobs'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
  AND $1 ~ ('\mjobs\.' || relname || '\M')

-- name: is_applied
SELECT EXISTS (SELECT FROM jobs.schema_migrations WHERE version = $1)

-- name: record
INSERT INTO jobs.schema_migrations (version, name, applied_at) VALUES ($1, $2, $3)

-- name: version
SELECT max(version) FROM jobs.schema_migrations

-- name: ensure_partitions
SELECT jobs.ensure_partitions($1, $2)

-- name: stray_months
SELECT parent, month FROM jobs.stray_months()

-- name: move_month
SELECT jobs.move_month($1, $2)

-- name: outside_months
SELECT parent, held FROM jobs.outside_months() WHERE held > 0
