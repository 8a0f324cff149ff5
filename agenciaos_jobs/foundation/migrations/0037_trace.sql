-- The run that triggered a run, for the trace on its page: one more field of a row that is written anyway.

ALTER TABLE jobs.runs ADD COLUMN parent_id text;

COMMENT ON COLUMN jobs.runs.parent_id IS 'The run whose job triggered this one; null where a caller, a schedule or a person did.';

CREATE INDEX runs_by_parent ON jobs.runs (parent_id) WHERE parent_id IS NOT NULL;
