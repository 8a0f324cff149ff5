-- What AI cost by agent, too: the page of costs compares months, agencies, agents and models.

-- Days that are over, counted once. The version before counts into jobs.ai_days, which has no agents and goes a release later.
CREATE TABLE jobs.ai_agent_days (
  day date NOT NULL,
  agency_id text NOT NULL,
  agent_type text NOT NULL,
  model text NOT NULL,
  generations bigint NOT NULL,
  unpriced bigint NOT NULL,
  cost numeric NOT NULL,
  PRIMARY KEY (day, agency_id, agent_type, model)
);

CREATE TABLE jobs.counted_ai_agent_days (day date PRIMARY KEY);

COMMENT ON COLUMN jobs.ai_agent_days.day IS 'In São Paulo.';
COMMENT ON COLUMN jobs.ai_agent_days.cost IS 'US dollars; unpriced generations had no known price.';

-- The days that are not counted yet, out of the index alone.
DROP INDEX jobs.ai_generations_spend;
CREATE INDEX ai_generations_spend ON jobs.ai_generations (created_at) INCLUDE (agency_id, agent_type, model, cost);

CREATE FUNCTION jobs.ai_spend(first date, before date)
RETURNS TABLE (day date, agency_id text, agent_type text, model text, generations bigint, unpriced bigint, cost numeric)
LANGUAGE sql STABLE AS $$
  WITH began AS (
    SELECT greatest(first, (min(created_at) AT TIME ZONE 'America/Sao_Paulo')::date) AS day FROM jobs.ai_generations
  ), uncounted AS (
    SELECT coalesce(min(began.day + number), before) AS day
    FROM began CROSS JOIN LATERAL generate_series(0, before - began.day - 1) AS number
    WHERE NOT EXISTS (SELECT FROM jobs.counted_ai_agent_days AS counted WHERE counted.day = began.day + number)
  )
  SELECT counted.day, counted.agency_id, counted.agent_type, counted.model, counted.generations, counted.unpriced, counted.cost
  FROM jobs.ai_agent_days AS counted WHERE counted.day >= first AND counted.day < (SELECT uncounted.day FROM uncounted)
  UNION ALL
  SELECT (made.created_at AT TIME ZONE 'America/Sao_Paulo')::date, made.agency_id, made.agent_type, made.model, count(*),
         count(*) FILTER (WHERE made.cost IS NULL), coalesce(sum(made.cost), 0)
  FROM jobs.ai_generations AS made
  WHERE made.created_at >= (SELECT uncounted.day FROM uncounted)::timestamp AT TIME ZONE 'America/Sao_Paulo'
    AND made.created_at < before::timestamp AT TIME ZONE 'America/Sao_Paulo'
  GROUP BY 1, 2, 3, 4
$$;

COMMENT ON FUNCTION jobs.ai_spend IS 'What AI cost from a day up to before another: days as they were counted up to the first that is not, and from then on as it is.';
