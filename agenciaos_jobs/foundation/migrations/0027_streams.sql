-- Streams: what jobs write while they run, for readers who follow them. Kept for a day.

CREATE TABLE jobs.stream_chunks (
  run_id text COLLATE "C" NOT NULL,
  stream text NOT NULL,
  id bigint GENERATED ALWAYS AS IDENTITY,
  chunk text NOT NULL,
  written_at timestamptz NOT NULL,
  PRIMARY KEY (run_id, stream, id)
);

CREATE INDEX stream_chunks_age ON jobs.stream_chunks (written_at);

COMMENT ON TABLE jobs.stream_chunks IS 'Chunks of the streams of runs, in order of id. chunk is JSON as its job wrote it.';
