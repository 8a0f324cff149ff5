-- name: hold
SELECT metadata, tags FROM jobs.runs WHERE id = $1 FOR UPDATE

-- name: set_metadata
UPDATE jobs.runs SET metadata = $2, updated_at = $3 WHERE id = $1

-- name: set_tags
WITH tagged AS (
  INSERT INTO jobs.run_tags (tag, run_id) SELECT unnest($2::text[]), $1 ON CONFLICT DO NOTHING
)
UPDATE jobs.runs SET tags = $2, updated_at = $3 WHERE id = $1
