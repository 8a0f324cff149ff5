-- What people think of generated contents: one verdict a run and person.

CREATE TABLE jobs.ai_feedback (
  run_id text COLLATE "C" NOT NULL,
  author text NOT NULL,
  agency_id text,
  agent_type text NOT NULL,
  is_good boolean NOT NULL,
  word text,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (run_id, author)
);

COMMENT ON TABLE jobs.ai_feedback IS 'Verdicts on generated contents. A person''s newer one on the same run replaces the older.';
COMMENT ON COLUMN jobs.ai_feedback.author IS 'The user who gave it.';
COMMENT ON COLUMN jobs.ai_feedback.word IS 'A few words of the person''s; kept as long as the content.';

CREATE INDEX ai_feedback_by_time ON jobs.ai_feedback (created_at) INCLUDE (agency_id, agent_type, is_good);
