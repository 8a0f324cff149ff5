-- name: prepare_session
-- A process that freezes or disconnects in a transaction loses it and its locks within the time of a lease. A statement
-- whose client has gone is canceled, and a connection whose client no longer responds is closed. Not
-- every platform has the check for the client.
SELECT set_config(name, value, false)
FROM (
    VALUES
    ('idle_in_transaction_session_timeout', '10s'),
    ('client_connection_check_interval', '2s'),
    ('tcp_keepalives_idle', '30'),
    ('tcp_keepalives_interval', '5'),
    ('tcp_keepalives_count', '3')
) AS wanted (name, value)
WHERE name <> 'client_connection_check_interval'
    OR version() LIKE '%linux%'

-- name: prepare_transaction
-- The same for one transaction, on a connection that is lent for that long.
SELECT set_config('idle_in_transaction_session_timeout', '10s', true), set_config('application_name', $1, true)

-- name: backend
SELECT pg_backend_pid()
