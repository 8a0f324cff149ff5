-- name: brief
-- An agency with the facts that a prompt may contain: its newest clients and its most recently updated projects.
SELECT agency.name, agency.plan::text AS plan,
  ARRAY(SELECT coalesce(nullif(client.company, ''), client.name) FROM public.clients AS client
        WHERE client."agencyId" = agency.id ORDER BY client."createdAt" DESC, client.id LIMIT 5) AS clients,
  ARRAY(SELECT project.name FROM public.projects AS project
        WHERE project."agencyId" = agency.id ORDER BY project."updatedAt" DESC, project.id LIMIT 5) AS projects
FROM public.agencies AS agency WHERE agency.id = $1

-- name: owner_of
-- The agency that an id belongs to, and what it is the id of.
SELECT id AS agency_id, 'agency' AS kind FROM public.agencies WHERE id = $1
UNION ALL SELECT "agencyId", 'client' FROM public.clients WHERE id = $1
UNION ALL SELECT "agencyId", 'project' FROM public.projects WHERE id = $1
UNION ALL SELECT project."agencyId", 'task' FROM public.tasks AS task JOIN public.projects AS project
  ON project.id = task."projectId" WHERE task.id = $1
LIMIT 1

-- name: plan
SELECT plan::text FROM public.agencies WHERE id = $1

-- name: set_plan
UPDATE public.agencies SET plan = ($2::text)::public."Plan", "updatedAt" = $3::timestamptz AT TIME ZONE 'UTC'
WHERE id = $1 AND plan::text <> $2

-- name: known_plans
SELECT label.enumlabel AS name FROM pg_enum AS label WHERE label.enumtypid = to_regtype('public."Plan"')

-- name: exists
SELECT EXISTS (SELECT FROM public.agencies WHERE id = $1)

-- name: tables_missing
SELECT name FROM unnest(ARRAY['agencies', 'users', 'clients', 'projects', 'revenues', 'expenses', 'ai_usage']) AS name
WHERE to_regclass('public.' || name) IS NULL

-- name: privileges_missing
-- What the current role may not do with the application's tables, as the GRANT that would allow it. Absent tables are left out.
SELECT needed.privilege || coalesce(' (' || quote_ident(needed.attribute) || ')', '') || ' ON public.' || needed.name AS missing
FROM (
  SELECT name, NULL AS attribute, 'SELECT' AS privilege
  FROM unnest(ARRAY['agencies', 'clients', 'projects', 'boards', 'tasks', 'revenues', 'expenses', 'ai_usage']) AS name
  UNION ALL
  SELECT 'users', attribute, 'SELECT' FROM unnest(ARRAY['id', 'name', 'email', 'agencyId', 'emailVerified']) AS attribute
  UNION ALL
  VALUES ('agencies', 'plan', 'UPDATE'), ('agencies', 'updatedAt', 'UPDATE'), ('ai_usage', NULL, 'INSERT')
) AS needed
CROSS JOIN LATERAL (SELECT to_regclass('public.' || needed.name)::oid AS oid) AS relation
WHERE relation.oid IS NOT NULL AND NOT CASE
  WHEN needed.attribute IS NULL THEN has_table_privilege(relation.oid, needed.privilege)
  ELSE has_column_privilege(relation.oid, needed.attribute, needed.privilege) END

-- name: count_others
SELECT count(*) FROM public.agencies WHERE id <> ALL ($1::text[])

-- name: named
SELECT id FROM public.agencies WHERE id = ANY ($1::text[])

-- name: of_email
-- The agencies of verified users with this address, or else those owned by users with it. Whoever was merely invited under
-- an address has not shown that it is theirs.
WITH people AS (
  SELECT id, "agencyId", "emailVerified" IS NOT NULL AS is_verified FROM public.users WHERE lower(btrim(email)) = $1
), found AS (
  SELECT agency.id, person.is_verified FROM people AS person
  JOIN public.agencies AS agency ON agency."ownerId" = person.id OR (agency.id = person."agencyId" AND person.is_verified)
)
SELECT DISTINCT id FROM found WHERE is_verified OR NOT EXISTS (SELECT FROM found WHERE is_verified)
