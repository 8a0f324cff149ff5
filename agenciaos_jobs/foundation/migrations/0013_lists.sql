-- Lists go along the index of what they are asked for.

-- Test runs are few among many.
CREATE INDEX runs_tests ON jobs.runs (id) WHERE is_test;

CREATE FUNCTION jobs.is_among(value text, wanted text[]) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT wanted IS NULL OR CASE WHEN cardinality(wanted) = 1 THEN value = wanted[1] ELSE value = ANY (wanted) END
$$;

COMMENT ON FUNCTION jobs.is_among IS 'True where nothing is wanted. Equality with a single value keeps an index''s order, which ANY does not.';
