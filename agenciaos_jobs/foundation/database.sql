-- name: prepare
-- Who is frozen or cut off amid a transaction loses it and what it has locked, in the time in which a lease is lost.
SELECT set_config('idle_in_transaction_session_timeout', '10s', false)
