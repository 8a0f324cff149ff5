-- Bulk actions over the API: named, listed, and aborted.

ALTER TABLE jobs.bulk_actions
  ADD COLUMN name text,
  ADD COLUMN aborted_at timestamptz,
  ADD COLUMN completed_at timestamptz;

COMMENT ON COLUMN jobs.bulk_actions.aborted_at IS 'No more of its runs are acted on. Those that were stay as they are.';
