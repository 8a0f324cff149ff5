-- The search of runs by their words, which is filled after a run's end, and the views that operators save.

CREATE TABLE jobs.run_search (
  run_id text COLLATE "C" PRIMARY KEY,
  words tsvector NOT NULL
) PARTITION BY RANGE (run_id);

CREATE INDEX run_search_words ON jobs.run_search USING gin (words);

CREATE TABLE jobs.run_search_default PARTITION OF jobs.run_search DEFAULT;

DO $$
DECLARE
  month text;
BEGIN
  FOR month IN
    SELECT substr(child.relname, 6) FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid
    WHERE inhparent = 'jobs.runs'::regclass AND child.relname ~ '^runs_\d{4}_\d{2}$'
  LOOP
    EXECUTE format('CREATE TABLE jobs.%I PARTITION OF jobs.run_search FOR VALUES FROM (%L) TO (%L)', 'run_search_' || month,
                   jobs.id_floor('run', to_date(month, 'YYYY_MM')::timestamp AT TIME ZONE 'UTC'),
                   jobs.id_floor('run', (to_date(month, 'YYYY_MM') + interval '1 month') AT TIME ZONE 'UTC'));
  END LOOP;
END $$;

COMMENT ON TABLE jobs.run_search IS 'The words of each run that has ended, without accents, and what lists filter by, as name=value.';

CREATE TABLE jobs.run_search_queue (
  run_id text COLLATE "C" PRIMARY KEY,
  due_at timestamptz NOT NULL
);

CREATE INDEX run_search_queue_due ON jobs.run_search_queue (due_at);

COMMENT ON TABLE jobs.run_search_queue IS 'Runs that the search does not hold yet. An open one is due again later.';

CREATE TABLE jobs.run_search_progress (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  newest text COLLATE "C" NOT NULL,
  oldest text COLLATE "C" NOT NULL
);

COMMENT ON TABLE jobs.run_search_progress IS 'Runs from oldest to newest have been queued; older ones follow while there is nothing newer to do.';

INSERT INTO jobs.run_search_progress (newest, oldest)
SELECT present, present FROM (SELECT jobs.id_floor('run', now()) AS present) AS clock;

CREATE TABLE jobs.saved_views (
  name text PRIMARY KEY,
  filters jsonb NOT NULL,
  saved_at timestamptz NOT NULL
);

COMMENT ON TABLE jobs.saved_views IS 'Filters of the list of runs that operators have named, for all of them.';

-- After translate, only letters of ASCII have a case that matters; without a locale it is the same in every database.
CREATE FUNCTION jobs.folded(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT lower(CASE WHEN octet_length(value) = length(value) THEN value ELSE translate(
    value, 'áàâãäåéèêëíìîïóòôõöúùûüçñýÁÀÂÃÄÅÉÈÊËÍÌÎÏÓÒÔÕÖÚÙÛÜÇÑÝ' || U&'\0300\0301\0302\0303\0308\0327',
    'aaaaaaeeeeiiiiooooouuuucnyAAAAAAEEEEIIIIOOOOOUUUUCNY') END COLLATE "C")
$$;

COMMENT ON FUNCTION jobs.folded IS 'A text in lower case, without the accents of Latin letters, composed or not.';

CREATE FUNCTION jobs.words_of(value text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT ARRAY(SELECT DISTINCT left(word, 40)
               FROM regexp_split_to_table(jobs.folded(value), '[^a-z0-9]+') AS word WHERE word <> '')
$$;

COMMENT ON FUNCTION jobs.words_of IS 'The distinct words of a text: letters without accents, and digits; of each the first 40.';

CREATE FUNCTION jobs.text_of(value jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  WITH RECURSIVE part (value) AS (
    SELECT value
    UNION ALL
    SELECT child.value FROM part CROSS JOIN LATERAL (
      SELECT item.value FROM jsonb_each(CASE jsonb_typeof(part.value) WHEN 'object' THEN part.value ELSE '{}' END) AS item
      WHERE item.key !~* 'token$|password|senha|secret|authorization|api_?key|cookie|credential|dsn$'
      UNION ALL
      SELECT item FROM jsonb_array_elements(CASE jsonb_typeof(part.value) WHEN 'array' THEN part.value ELSE '[]' END) AS item
    ) AS child
  )
  SELECT string_agg(value #>> '{}', ' ') FROM part WHERE jsonb_typeof(value) IN ('string', 'number')
$$;

COMMENT ON FUNCTION jobs.text_of IS 'The texts and numbers in a JSON value, without what stands under the name of a secret.';

CREATE FUNCTION jobs.run_words(run jobs.runs, agency text) RETURNS tsvector LANGUAGE sql STABLE AS $$
  SELECT array_to_tsvector(array_remove(
    jobs.words_of(concat_ws(' ', left(jobs.text_of(run.payload), 20000), left(jobs.text_of(run.output), 20000),
                            left(run.error ->> 'message', 5000), run.error ->> 'code', run.error ->> 'type',
                            array_to_string(run.tags, ' '), agency, run.agency_id, substr(run.id, 5), right(run.id, 8)))
    || ARRAY['task=' || run.task, 'status=' || run.status, 'source=' || run.source, 'agency=' || left(run.agency_id, 200),
             'queue=' || left(coalesce(run.queue, 'task/' || run.task), 200), 'agent=' || left(run.payload ->> 'agentType', 200)],
    NULL))
$$;

COMMENT ON FUNCTION jobs.run_words IS 'What the search finds a run by; agency is the name of its agency.';

CREATE FUNCTION jobs.search_query(
  words text[], task text, statuses text[], agency text, source text, agent text, queue text)
RETURNS tsquery LANGUAGE sql IMMUTABLE AS $$
  SELECT array_to_string(
    ARRAY(SELECT CASE WHEN length(word) < 3 THEN word ELSE word || ':*' END FROM unnest(words) AS word)
    || ARRAY(SELECT quote_literal(name || '=' || left(value, 200))
             FROM (VALUES ('task', task), ('agency', agency), ('source', source), ('agent', agent), ('queue', queue)) AS given (name, value)
             WHERE value IS NOT NULL)
    || CASE WHEN statuses IS NOT NULL THEN
         ARRAY['(' || (SELECT string_agg(quote_literal('status=' || status), '|') FROM unnest(statuses) AS status) || ')'] END,
    ' & ')::tsquery
$$;

COMMENT ON FUNCTION jobs.search_query IS 'The condition on jobs.run_search.words: words that begin with these (of up to two characters: that are these), and filters.';

CREATE FUNCTION jobs.search_indexed(first text, before text, query tsquery, tag text, newest_first boolean, most integer)
RETURNS text[] LANGUAGE plpgsql STABLE AS $$
DECLARE
  direction constant text := CASE WHEN newest_first THEN 'DESC' ELSE 'ASC' END;
  stretch constant text := format('run_id >= %L AND run_id < %L', first, before);
  matches constant text := format('words @@ %L::tsquery', query) || CASE WHEN tag IS NULL THEN '' ELSE format(
    ' AND run_id IN (SELECT run_id FROM jobs.run_tags WHERE tag = %L AND %s)', tag, stretch) END;
  counted constant integer := 20000;
  walked integer;
  found text[];
  hits bigint;
BEGIN
  FOREACH walked IN ARRAY ARRAY[2000, 30000] LOOP
    -- A common word is found on the way along the newest runs; sorting all that contain it would take long.
    EXECUTE format('SELECT ARRAY(SELECT run_id FROM (SELECT * FROM jobs.run_search WHERE %s ORDER BY run_id %s LIMIT %s) AS newest
                                 WHERE %s ORDER BY run_id %2$s LIMIT %5$s)', stretch, direction, walked, matches, most) INTO found;
    EXIT WHEN cardinality(found) = most OR hits IS NOT NULL;
    EXECUTE format('SELECT count(*), coalesce((array_agg(run_id ORDER BY run_id %s))[:%s], ''{}'')
                    FROM (SELECT run_id FROM jobs.run_search WHERE %s AND %s LIMIT %s) AS hit',
                   direction, most, stretch, matches, counted + 1) INTO hits, found;
    EXIT WHEN hits <= counted;
  END LOOP;
  RETURN found;
END $$;

COMMENT ON FUNCTION jobs.search_indexed IS 'Ids in order that the search holds. What more than 20,000 runs match is looked for in the newest 30,000.';

CREATE FUNCTION jobs.search_runs(
  first text, before text, task text, statuses text[], agency text, tag text, source text, wanted text, agent text, queue text,
  newest_first boolean, most integer)
RETURNS SETOF text LANGUAGE plpgsql STABLE AS $$
DECLARE
  ended constant text[] := '{COMPLETED,CANCELED,FAILED,CRASHED,TIMED_OUT,EXPIRED,SYSTEM_FAILURE}';
  chosen constant text[] := ARRAY(SELECT unnest(ended) INTERSECT SELECT unnest(coalesce(statuses, ended)));
  is_id constant boolean := coalesce(wanted ~ '^(run|batch|sched)_', false);
  words constant text[] := CASE WHEN is_id OR wanted IS NULL THEN '{}' ELSE jobs.words_of(wanted) END;
  direction constant text := CASE WHEN newest_first THEN 'DESC' ELSE 'ASC' END;
  query constant tsquery := jobs.search_query(
    words, task, CASE WHEN statuses IS NOT NULL THEN chosen END, agency, source, agent, queue);
  -- What the search does not hold yet: each text is read, or only what lists filter by.
  newest constant integer := CASE WHEN words = '{}' THEN 2000 ELSE 300 END;
  queued constant integer := CASE WHEN words = '{}' THEN 20000 ELSE 300 END;
  filters text := 'true';
  candidates text[];
  found text[] := '{}';
BEGIN
  IF agent IS NULL AND queue IS NULL AND (wanted IS NULL OR is_id) THEN
    RETURN QUERY SELECT jobs.find_runs(first, before, task, statuses, agency, tag, source, wanted, newest_first, most);
    RETURN;
  END IF;
  IF wanted IS NOT NULL AND words = '{}' AND NOT is_id THEN
    RETURN;
  END IF;
  IF agent IS NOT NULL THEN filters := filters || format(' AND run.payload ->> ''agentType'' = %L', agent); END IF;
  IF queue IS NOT NULL THEN filters := filters || format(' AND coalesce(run.queue, ''task/'' || run.task) = %L', queue); END IF;
  IF is_id THEN
    RETURN QUERY EXECUTE format(
      'SELECT id FROM jobs.runs AS run WHERE id IN (SELECT jobs.find_runs($1, $2, $3, $4, $5, $6, $7, $8, $9, 10000)) AND %s
       ORDER BY id %s LIMIT %s', filters, direction, most)
      USING first, before, task, statuses, agency, tag, source, wanted, newest_first;
    RETURN;
  END IF;
  IF task IS NOT NULL THEN filters := filters || format(' AND run.task = %L', task); END IF;
  IF agency IS NOT NULL THEN filters := filters || format(' AND run.agency_id = %L', agency); END IF;
  IF source IS NOT NULL THEN filters := filters || format(' AND run.source = %L', source); END IF;
  IF tag IS NOT NULL THEN filters := filters || format(' AND %L = ANY (run.tags)', tag); END IF;
  IF statuses IS NOT NULL THEN filters := filters || format(' AND run.status = ANY (%L)', statuses); END IF;
  EXECUTE format(
    'SELECT ARRAY(
       SELECT id FROM (SELECT id FROM jobs.runs WHERE %1$s ORDER BY id %2$s LIMIT %3$s) AS newest
       WHERE NOT EXISTS (SELECT FROM jobs.run_search WHERE run_id = id)
       UNION
       (SELECT run_id FROM jobs.run_search_queue WHERE %4$s ORDER BY run_id %2$s LIMIT %5$s))',
    format('id >= %L AND id < %L', first, before), direction, newest, format('run_id >= %L AND run_id < %L', first, before), queued)
    INTO candidates;
  IF candidates <> '{}' THEN
    EXECUTE format(
      'SELECT ARRAY(
         SELECT id FROM (
           SELECT run.id, run, agency.name, CASE WHEN $2 <> ''{}'' THEN
             concat_ws('' '', left(run.payload::text, 20000), left(run.output::text, 20000), run.error, run.tags, agency.name, run.id) END AS text
           FROM jobs.runs AS run LEFT JOIN public.agencies AS agency ON agency.id = run.agency_id
           WHERE run.id = ANY ($1) AND %s ORDER BY run.id %s OFFSET 0) AS near
         WHERE $2 = ''{}'' OR (jobs.folded(text) LIKE ALL ($2) AND jobs.run_words(run, name) @@ $3) LIMIT %s)', filters, direction, most)
      INTO found
      USING candidates, ARRAY(SELECT '%' || word || '%' FROM unnest(words) AS word),
            jobs.search_query(words, NULL, NULL, NULL, NULL, NULL, NULL);
  END IF;
  IF chosen <> '{}' THEN
    found := found || jobs.search_indexed(first, before, query, tag, newest_first, most);
  END IF;
  RETURN QUERY EXECUTE format('SELECT DISTINCT id COLLATE "C" FROM unnest($1) AS id ORDER BY 1 %s LIMIT %s', direction, most) USING found;
END $$;

COMMENT ON FUNCTION jobs.search_runs IS 'As jobs.find_runs, with any words that a run contains, an agent and a queue. What is not in jobs.run_search is read: with words 300 of the newest runs and 300 that are queued for it, without words 2,000 and 20,000.';
