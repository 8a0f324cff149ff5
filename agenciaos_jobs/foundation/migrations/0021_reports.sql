-- Monthly reports with revisions, generated in chunks that each commit, and delivered by e-mail and webhook.

CREATE FUNCTION jobs.fold(name text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT lower(translate(btrim(regexp_replace(normalize(name, NFC), '\s+', ' ', 'g')),
    'ÁÀÂÃÄÅÉÈÊËÍÌÎÏÓÒÔÕÖÚÙÛÜÇÑáàâãäåéèêëíìîïóòôõöúùûüçñ', 'AAAAAAEEEEIIIIOOOOOUUUUCNaaaaaaeeeeiiiiooooouuuucn'))
$$;

COMMENT ON FUNCTION jobs.fold IS 'A name without case, accents and repeated spaces: names that fold alike are one.';

CREATE TABLE jobs.monthly_report_revisions (
  month date NOT NULL CHECK (extract(day FROM month) = 1),
  agency_id text COLLATE "C" NOT NULL,
  revision integer NOT NULL,
  agency_name text NOT NULL,
  covers_until date,
  figures jsonb NOT NULL,
  snapshot jsonb NOT NULL,
  changes jsonb,
  run_id text COLLATE "C" NOT NULL,
  generated_at timestamptz NOT NULL,
  PRIMARY KEY (month, agency_id, revision)
);

CREATE INDEX monthly_report_revisions_by_agency ON jobs.monthly_report_revisions (agency_id, month);

COMMENT ON TABLE jobs.monthly_report_revisions IS 'Every report as it was generated. Rows are only ever added; the highest revision is the current one.';
COMMENT ON COLUMN jobs.monthly_report_revisions.covers_until IS 'The last day of a partial report; null for a whole month.';
COMMENT ON COLUMN jobs.monthly_report_revisions.snapshot IS 'What the application keeps no history of (plan, clients, projects, tasks) and the rates, as of the first whole report.';
COMMENT ON COLUMN jobs.monthly_report_revisions.changes IS 'Each figure that differs from the revision before: [before, after]. Null for the first of a whole month.';

-- Both are scratch space of a run: after a crash of Postgres they are empty, and the run computes the month again.
CREATE UNLOGGED TABLE jobs.report_drafts (
  run_id text COLLATE "C" NOT NULL,
  month date NOT NULL,
  position integer NOT NULL,
  agency_id text NOT NULL,
  agency_name text NOT NULL,
  revision integer NOT NULL,
  is_first boolean NOT NULL,
  covers_until date,
  figures jsonb NOT NULL,
  snapshot jsonb NOT NULL,
  changes jsonb,
  PRIMARY KEY (run_id, month, position)
);

CREATE UNLOGGED TABLE jobs.report_progress (
  run_id text COLLATE "C" NOT NULL,
  month date NOT NULL,
  totals jsonb NOT NULL,
  drafted integer NOT NULL,
  created integer NOT NULL DEFAULT 0,
  updated integer NOT NULL DEFAULT 0,
  began_at timestamptz NOT NULL,
  PRIMARY KEY (run_id, month)
);

CREATE TABLE jobs.report_recipients (
  agency_id text NOT NULL,
  email text NOT NULL,
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'unsubscribed', 'bounced')),
  reason text,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (agency_id, email)
);

COMMENT ON TABLE jobs.report_recipients IS 'Who gets an agency''s reports besides its owner, and who no longer wants them, the owner included.';

CREATE TABLE jobs.report_deliveries (
  agency_id text NOT NULL,
  month date NOT NULL,
  revision integer NOT NULL,
  channel text NOT NULL CHECK (channel IN ('email', 'webhook')),
  recipient text NOT NULL,
  request text NOT NULL DEFAULT '',
  status text NOT NULL CHECK (status IN ('sending', 'sent', 'refused', 'failed')),
  detail text,
  run_id text COLLATE "C" NOT NULL,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (agency_id, month, revision, channel, recipient, request)
);

COMMENT ON TABLE jobs.report_deliveries IS 'One row a revision and recipient, written before it is sent: what is sending may have been sent, and is not sent again.';
COMMENT ON COLUMN jobs.report_deliveries.request IS 'The run that was asked to send once more; empty for the first delivery.';

CREATE TABLE jobs.report_insights (
  agency_id text NOT NULL,
  month date NOT NULL,
  revision integer NOT NULL,
  sentences jsonb NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (agency_id, month, revision)
);

COMMENT ON TABLE jobs.report_insights IS 'Sentences that a model wrote about a report (REPORT_INSIGHTS=ai), marked as such where they are shown.';
