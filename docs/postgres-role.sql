-- The least-privilege role of servers and workers. It owns nothing: it reads and writes the rows of schema jobs, reads the
-- application's tables, and writes what docs/security.md names. `agenciaos-jobs migrate` goes on as the owner.
--
-- Run this once, after the first `agenciaos-jobs migrate`, as the role that runs it. That role needs CREATE on the database,
-- CREATEROLE, and the application's tables (as their owner, or with grant option):
--
--   psql "$DATABASE_URL" --file docs/postgres-role.sql
--   psql "$DATABASE_URL" --command '\password agenciaos_jobs'
--
-- Then name the role in the DATABASE_URL of servers and workers. Repeating this is harmless. What later migrations add is
-- covered by the default privileges below. `agenciaos-jobs check` reports what is missing.

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'agenciaos_jobs') THEN
    CREATE ROLE agenciaos_jobs LOGIN;
  END IF;
END $$;

GRANT USAGE ON SCHEMA public, jobs TO agenciaos_jobs;

-- The application's tables. Of its users no password.
GRANT SELECT ON public.agencies, public.clients, public.projects, public.boards, public.tasks, public.revenues,
  public.expenses, public.ai_usage TO agenciaos_jobs;
GRANT SELECT (id, name, email, "agencyId", "emailVerified") ON public.users TO agenciaos_jobs;
GRANT UPDATE (plan, "updatedAt") ON public.agencies TO agenciaos_jobs;
GRANT INSERT ON public.ai_usage TO agenciaos_jobs;

-- Schema jobs. Payment events stay as they are written: a trigger refuses changes, and only the owner could remove it.
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA jobs TO agenciaos_jobs;
REVOKE INSERT, UPDATE, DELETE ON jobs.schema_migrations FROM agenciaos_jobs;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA jobs TO agenciaos_jobs;
ALTER DEFAULT PRIVILEGES IN SCHEMA jobs GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO agenciaos_jobs;
ALTER DEFAULT PRIVILEGES IN SCHEMA jobs GRANT EXECUTE ON FUNCTIONS TO agenciaos_jobs;
