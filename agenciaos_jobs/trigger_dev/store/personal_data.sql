-- name: export_packets
SELECT to_jsonb(packet)::text FROM jobs.packets AS packet, (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE packet.body ~* subject.pattern

-- name: erase_packets
DELETE FROM jobs.packets AS packet USING (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE packet.body ~* subject.pattern
