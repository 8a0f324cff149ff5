-- name: probe
SELECT 1
