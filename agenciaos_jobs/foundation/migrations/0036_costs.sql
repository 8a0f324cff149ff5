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

-- The days that are not counted yet, out of the index alone. It serves all that the one of the time alone served.
DROP INDEX jobs.ai_generations_spend;
DROP INDEX jobs.ai_generations_by_time;
CREATE INDEX ai_generations_spend ON jobs.ai_generations (created_at) INCLUDE (agency_id, agent_type, model, cost);

CREATE FUNCTION jobs.ai_spend(first date, before date)
RETURNS TABLE (day date, agency_id text, agent_type text, model text, generations bigint, unpriced bigint, cost numeric)
LANGUAGE sql STABLE AS $$
  SELECT counted.day, counted.agency_id, counted.agent_type, counted.model, counted.generations, counted.unpriced, counted.cost
  FROM jobs.ai_agent_days AS counted WHERE counted.day >= first AND counted.day < before
  UNION ALL
  SELECT uncounted.day, made.agency_id, made.agent_type, made.model, made.generations, made.unpriced, made.cost
  FROM (
    SELECT began.day + number AS day
    FROM (SELECT greatest(first, (min(created_at) AT TIME ZONE 'America/Sao_Paulo')::date) AS day FROM jobs.ai_generations) AS began
    CROSS JOIN LATERAL generate_series(0, before - began.day - 1) AS number
    WHERE NOT EXISTS (SELECT FROM jobs.counted_ai_agent_days AS counted WHERE counted.day = began.day + number)
    LIMIT greatest(before - first, 0)) AS uncounted  -- which is all of them, so that the planner expects no more
  CROSS JOIN LATERAL (
    SELECT each.agency_id, each.agent_type, each.model, count(*) AS generations, count(*) FILTER (WHERE each.cost IS NULL) AS unpriced,
           coalesce(sum(each.cost), 0) AS cost
    FROM jobs.ai_generations AS each
    WHERE each.created_at >= uncounted.day::timestamp AT TIME ZONE 'America/Sao_Paulo'
      AND each.created_at < (uncounted.day + 1)::timestamp AT TIME ZONE 'America/Sao_Paulo'
    GROUP BY each.agency_id, each.agent_type, each.model) AS made
$$;

COMMENT ON FUNCTION jobs.ai_spend IS 'What AI cost from a day up to before another: days that are counted as they were, and the others as they are.';
