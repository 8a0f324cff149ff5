-- name: export_alerts
-- An alert gathers what happened to several. What is not the subject's stays here: ids of the others, and their texts.
SELECT (to_jsonb(alert) - 'subjects' - CASE WHEN about.is_text THEN '' ELSE 'details' END)::text
FROM jobs.alerts AS alert, (SELECT ($1::jobs.privacy_subject).*) AS subject,
     LATERAL (SELECT coalesce(concat_ws(' ', alert.subjects, alert.details) ~* subject.pattern
                              OR alert.details ->> 'message' = ANY (subject.errors), false) AS is_text) AS about
WHERE alert.subjects && subject.names OR about.is_text
ORDER BY alert.id

-- name: export_alert_notices
SELECT (to_jsonb(notice) #- '{message,subjects}')::text
FROM jobs.alert_notices AS notice, (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE notice.message::text ~* subject.pattern
   OR EXISTS (SELECT FROM unnest(subject.errors) AS message WHERE length(message) > 7
                  AND strpos(concat_ws(' ', notice.message ->> 'title', notice.message ->> 'what'),
                             left(regexp_replace(message, '\s+', ' ', 'g'), 60)) > 0)
ORDER BY notice.id

-- name: erase_alert_notices
-- One that is not sent yet still reports that there is an alert, and where to look.
UPDATE jobs.alert_notices AS notice
SET message = (SELECT coalesce(jsonb_object_agg(name, value), '{}') FROM jsonb_each(notice.message) AS part (name, value)
               WHERE name IN ('kind', 'key', 'telling', 'times', 'since', 'at', 'occurrences', 'total', 'link'))
    || '{"title": "[erased]", "what": "[erased]", "english": "[erased]", "advice": "", "subjects": []}'
FROM (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE notice.message ->> 'what' <> '[erased]'
  AND (notice.message -> 'subjects' ?| subject.names
       OR notice.message::text ~* subject.pattern
       OR EXISTS (SELECT FROM unnest(subject.errors) AS message WHERE length(message) > 7
                  AND strpos(concat_ws(' ', notice.message ->> 'title', notice.message ->> 'what'),
                             left(regexp_replace(message, '\s+', ' ', 'g'), 60)) > 0))

-- name: erase_alerts
-- The alert goes on for the others. Alerts are locked in the order of kind and key; failing runs lock them too.
UPDATE jobs.alerts AS known SET details = about.figures, subjects = about.others
FROM (
  SELECT alert.id,
    (SELECT coalesce(jsonb_object_agg(name, value), '{}') FROM jsonb_each(alert.details) AS detail (name, value)
     WHERE jsonb_typeof(value) IN ('number', 'boolean') OR name IN ('task', 'type', 'code', 'fingerprint')) AS figures,
    ARRAY(SELECT name FROM unnest(alert.subjects) AS name
          WHERE name <> ALL (subject.names) AND name !~* subject.pattern
            AND NOT EXISTS (SELECT FROM unnest(subject.errors) AS message
                            WHERE strpos(': ' || name, ': ' || left(message, 60)) > 0)) AS others
  FROM jobs.alerts AS alert, (SELECT ($1::jobs.privacy_subject).*) AS subject
  WHERE alert.subjects && subject.names OR concat_ws(' ', alert.subjects, alert.details) ~* subject.pattern
     OR alert.details ->> 'message' = ANY (subject.errors)
  ORDER BY alert.kind, alert.key FOR UPDATE OF alert) AS about
WHERE known.id = about.id AND (known.subjects, known.details) IS DISTINCT FROM (about.others, about.figures)
