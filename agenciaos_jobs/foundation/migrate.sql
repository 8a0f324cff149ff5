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

-- name: privileges_missing
-- What the current role may not do in schema jobs, as the GRANT that would allow it.
SELECT privilege || ' ON jobs.' || relname AS missing
FROM pg_class CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS privilege
WHERE relnamespace = 'jobs'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
  AND (relname <> 'schema_migrations' OR privilege = 'SELECT') AND NOT has_table_privilege(pg_class.oid, privilege)
UNION ALL
SELECT 'EXECUTE ON FUNCTION ' || oid::regprocedure FROM pg_proc
WHERE pronamespace = 'jobs'::regnamespace AND NOT has_function_privilege(oid, 'EXECUTE')

-- name: months_missing
-- Partitions that this month or the next one lacks.
SELECT tables.parent || to_char(month, '_YYYY_MM') AS name
FROM jobs.monthly_tables() AS tables,
  unnest(ARRAY[$1::timestamptz AT TIME ZONE 'UTC', ($1::timestamptz AT TIME ZONE 'UTC') + interval '1 month']) AS month
WHERE to_regclass('jobs.' || tables.parent || to_char(month, '_YYYY_MM')) IS NULL

-- name: knows_time_zones
SELECT EXISTS (SELECT FROM pg_timezone_names WHERE name = 'America/Sao_Paulo')
