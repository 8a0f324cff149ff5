-- name: begin
INSERT INTO jobs.audit (acted_at, actor, origin, address, action, detail, subject)
SELECT $1, $2, $3, $4, $5, $6, subject FROM unnest($7::text[]) WITH ORDINALITY AS subjects (subject, place)
ORDER BY place
RETURNING id

-- name: finish
INSERT INTO jobs.audit_results (audit_id, ended_at, outcome, led_to)
SELECT id, $2, $3, led_to FROM unnest($1::bigint[], $4::text[]) AS results (id, led_to)

-- name: page
SELECT id, acted_at, actor, origin, address, action, subject, detail, outcome, led_to
FROM jobs.audit LEFT JOIN jobs.audit_results ON audit_id = id
WHERE ($1::bigint IS NULL OR id < $1) AND ($2::text IS NULL OR actor = $2)
  AND ($3::text IS NULL OR action = $3) AND ($4::text IS NULL OR subject = $4)
ORDER BY id DESC LIMIT $5
