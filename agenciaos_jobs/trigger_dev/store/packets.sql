-- name: put
INSERT INTO jobs.packets (id, content_type, body, expires_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (id) DO UPDATE
  SET content_type = excluded.content_type, body = excluded.body, expires_at = excluded.expires_at

-- name: get
SELECT content_type, body FROM jobs.packets WHERE id = $1 AND expires_at > $2

-- name: drop_expired
DELETE FROM jobs.packets WHERE expires_at <= $1
