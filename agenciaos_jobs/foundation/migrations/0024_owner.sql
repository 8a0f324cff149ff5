-- Partitions are made, moved and dropped with their owner's privileges, so that servers and workers need not own the tables:
-- see docs/postgres-role.sql. The functions name every object with its schema; the path is fixed all the same.
DO $$
DECLARE
  maker regprocedure;
BEGIN
  FOREACH maker IN ARRAY ARRAY[
    'jobs.ensure_partitions(timestamptz, integer)', 'jobs.move_month(text, timestamp)', 'jobs.drop_month(text)',
    'jobs.copy_month(text, timestamptz, timestamptz)', 'jobs.swap_month(text, text[])']::regprocedure[]
  LOOP
    EXECUTE format('ALTER FUNCTION %s SECURITY DEFINER SET search_path = pg_catalog, pg_temp', maker);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', maker);
  END LOOP;
END $$;
