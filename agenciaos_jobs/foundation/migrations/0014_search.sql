-- The search of runs also takes a part of an id, as lists show it, and the id of a batch or of a schedule.

CREATE OR REPLACE FUNCTION jobs.find_runs(
  first text, before text, task text, statuses text[], agency text, tag text, source text, wanted text,
  newest_first boolean, most integer)
RETURNS SETOF text LANGUAGE plpgsql STABLE AS $$
DECLARE
  ended constant text[] := '{COMPLETED,CANCELED,FAILED,CRASHED,TIMED_OUT,EXPIRED,SYSTEM_FAILURE}';
  errors_searched constant integer := 10000;
  ids_searched constant integer := 100000;
  stretch constant text := format('id >= %L AND id < %L', first, before);
  direction constant text := format('ORDER BY id %s', CASE WHEN newest_first THEN 'DESC' ELSE 'ASC' END);
  tail constant text := format('%s LIMIT %s', direction, most);
  part constant text := lower(ltrim(wanted, '…'));
  filters text := stretch;
  chosen text[];
BEGIN
  IF task IS NOT NULL THEN filters := filters || format(' AND task = %L', task); END IF;
  IF agency IS NOT NULL THEN filters := filters || format(' AND agency_id = %L', agency); END IF;
  IF source IS NOT NULL THEN filters := filters || format(' AND source = %L', source); END IF;
  IF tag IS NOT NULL THEN
    filters := filters || format(' AND id IN (SELECT run_id FROM jobs.run_tags WHERE tag = %L AND run_%s AND run_%s)', tag,
                                 format('id >= %L', first), format('id < %L', before));
  END IF;
  IF starts_with(wanted, 'run_') THEN
    filters := filters || format(' AND id >= %L AND id < %L', wanted, wanted || '~');
  ELSIF starts_with(wanted, 'batch_') THEN
    filters := filters || format(' AND id IN (SELECT run_id FROM jobs.batch_items WHERE batch_id = %L)', wanted);
  ELSIF starts_with(wanted, 'sched_') THEN
    filters := filters || format(' AND schedule_id = %L', wanted);
  ELSIF wanted IS NOT NULL THEN
    filters := filters || format(
      ' AND id IN (SELECT id FROM (SELECT id, error FROM jobs.runs WHERE error IS NOT NULL AND %s %s LIMIT %s) AS failed
                   WHERE strpos(lower(error ->> ''message''), lower(%L)) > 0)',
      stretch, direction, errors_searched, wanted);
    -- Only what can stand in an id is looked for there.
    IF part ~ '^[0-9a-z]{4,26}$' THEN
      filters := left(filters, -1) || format(
        ' UNION ALL SELECT id FROM (SELECT id FROM jobs.runs WHERE %s %s LIMIT %s) AS recent WHERE strpos(id, %L) > 0)',
        stretch, direction, ids_searched, part);
    END IF;
  END IF;
  IF wanted IS NOT NULL OR tag IS NOT NULL OR (task IS NULL AND agency IS NULL AND source IS NULL AND statuses IS NULL) THEN
    IF statuses IS NOT NULL THEN filters := filters || format(' AND status = ANY (%L)', statuses); END IF;
    RETURN QUERY EXECUTE format('SELECT id FROM jobs.runs WHERE %s %s', filters, tail);
    RETURN;
  END IF;
  -- One branch for each index: what has ended, what waits, what is parked, what is under way.
  chosen := ARRAY(SELECT unnest(ended) INTERSECT SELECT unnest(coalesce(statuses, ended)));
  RETURN QUERY EXECUTE format(
    'SELECT id FROM (
       (SELECT id FROM jobs.runs WHERE %1$s AND status = ANY (%2$L) %4$s)
       UNION ALL
       (SELECT id FROM jobs.runs WHERE %1$s AND status IN (''QUEUED'', ''DELAYED'') AND NOT parked AND %3$s %4$s)
       UNION ALL
       (SELECT id FROM (SELECT * FROM jobs.runs WHERE parked OFFSET 0) AS parked WHERE %1$s AND %3$s %4$s)
       UNION ALL
       (SELECT id FROM (SELECT * FROM jobs.runs WHERE status = ''EXECUTING'' OFFSET 0) AS running WHERE %1$s AND %3$s %4$s)
     ) AS found %4$s',
    filters, chosen, CASE WHEN statuses IS NULL THEN 'true' ELSE format('status = ANY (%L)', statuses) END, tail);
END $$;

COMMENT ON FUNCTION jobs.find_runs IS 'Ids of runs from first up to before a text, in order, with all that is not null. wanted is the beginning of an id, the id of a batch or schedule, a part of an id (of the newest 100,000 runs) or of an error''s message (of the newest 10,000 failures).';
