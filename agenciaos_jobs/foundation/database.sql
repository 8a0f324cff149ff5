-- name: prepare
-- A process that freezes or disconnects in a transaction loses it and its locks within the time of a lease.
SELECT set_config('idle_in_transaction_session_timeout', '10s', false)
