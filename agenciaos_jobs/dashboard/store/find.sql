-- name: agencies
-- Those whose name contains a text, without regard to case and accents, or whose id it is; exact ones first.
SELECT id, name, jobs.folded(name) = jobs.folded($1) AS is_exact FROM public.agencies
WHERE id = $1 OR strpos(jobs.folded(name), jobs.folded($1)) > 0
ORDER BY id = $1 DESC, is_exact DESC, name, id LIMIT $2

-- name: tags
-- Distinct tags from $1 on, each found by one step along the index.
WITH RECURSIVE step (tag) AS (
  (SELECT tag FROM jobs.run_tags WHERE tag >= $1 ORDER BY tag LIMIT 1)
  UNION ALL
  SELECT (SELECT tag FROM jobs.run_tags WHERE tag > step.tag ORDER BY tag LIMIT 1) FROM step WHERE tag IS NOT NULL
)
SELECT tag AS name FROM step WHERE tag IS NOT NULL LIMIT $2

-- name: queues
-- As tags, the queues that callers have named.
WITH RECURSIVE step (queue) AS (
  (SELECT queue FROM jobs.runs WHERE queue IS NOT NULL AND queue >= $1 ORDER BY queue LIMIT 1)
  UNION ALL
  SELECT (SELECT queue FROM jobs.runs WHERE queue IS NOT NULL AND queue > step.queue ORDER BY queue LIMIT 1) FROM step WHERE queue IS NOT NULL
)
SELECT queue AS name FROM step WHERE queue IS NOT NULL LIMIT $2

-- name: views
SELECT name, filters FROM jobs.saved_views ORDER BY name

-- name: save_view
-- A new name only while there are fewer than $4.
INSERT INTO jobs.saved_views AS view (name, filters, saved_at)
SELECT $1, $2, $3 WHERE (SELECT count(*) FROM jobs.saved_views WHERE name <> $1) < $4
ON CONFLICT (name) DO UPDATE SET filters = excluded.filters, saved_at = excluded.saved_at
RETURNING name

-- name: delete_view
DELETE FROM jobs.saved_views WHERE name = $1
