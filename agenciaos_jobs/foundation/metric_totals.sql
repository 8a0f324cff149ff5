-- name: add
INSERT INTO jobs.metric_totals AS total (sample, labels, value)
SELECT * FROM unnest($1::text[], $2::jsonb[], $3::double precision[])
ORDER BY 1, 2
ON CONFLICT (sample, labels) DO UPDATE SET value = total.value + excluded.value

-- name: all
SELECT sample, labels, value FROM jobs.metric_totals
