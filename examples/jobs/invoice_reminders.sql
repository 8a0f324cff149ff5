-- The outbox of the application's mailer: one reminder per invoice. The application owns this table.
CREATE TABLE IF NOT EXISTS invoice_reminders (
  invoice_id text PRIMARY KEY REFERENCES revenues (id) ON DELETE CASCADE,
  run_id text NOT NULL,
  email text NOT NULL,
  body text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  sent_at timestamptz
);
