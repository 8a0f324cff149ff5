-- Requests under the LGPD: who asked for a person's data or for its erasure, and what erasure changes in the payments' audit.
CREATE TABLE jobs.privacy_requests (
  id text COLLATE "C" PRIMARY KEY,
  action text NOT NULL CHECK (action IN ('export', 'erase')),
  subject text NOT NULL,
  requested_by text NOT NULL,
  requested_at timestamptz NOT NULL,
  held jsonb NOT NULL
);
COMMENT ON TABLE jobs.privacy_requests IS 'One row a request that was carried out. Rows are only ever added.';
COMMENT ON COLUMN jobs.privacy_requests.subject IS 'agency: and its id, or email: and the SHA-256 of the address.';
COMMENT ON COLUMN jobs.privacy_requests.held IS 'How many rows were exported or erased, by table.';

CREATE TABLE jobs.payment_redactions (
  event_id bigint PRIMARY KEY,
  request_id text COLLATE "C" NOT NULL REFERENCES jobs.privacy_requests DEFERRABLE INITIALLY DEFERRED,
  redacted_at timestamptz NOT NULL
);
COMMENT ON TABLE jobs.payment_redactions IS 'One row a payment event whose personal data was erased. Rows are only ever added.';
CREATE INDEX payment_redactions_by_request ON jobs.payment_redactions (request_id);

CREATE TRIGGER privacy_requests_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON jobs.privacy_requests
  FOR EACH STATEMENT EXECUTE FUNCTION jobs.refuse_change();
CREATE TRIGGER payment_redactions_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON jobs.payment_redactions
  FOR EACH STATEMENT EXECUTE FUNCTION jobs.refuse_change();

-- What the statements of a request need to know, as one parameter.
CREATE TYPE jobs.privacy_subject AS (
  request_id text,
  requested_at timestamptz,
  label text,
  agency text,
  email text,
  pattern text,
  users text[],
  customers text[],
  runs text[],
  names text[],
  errors text[]
);
COMMENT ON TYPE jobs.privacy_subject IS 'Of whom data is exported or erased: an agency, or a person with an e-mail address. label is the subject as jobs.privacy_requests has it; pattern finds their names in JSON and texts; users, customers and runs are ids that are theirs, names those that alerts list; errors are messages of their runs.';

-- Texts stay only under names that cannot be those of personal data, numbers unless they can be a document or a telephone.
CREATE FUNCTION jobs.redacted_json(value jsonb, name text) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  word constant text := lower(regexp_replace(coalesce(name, ''), '([a-z0-9])([A-Z])', '\1_\2', 'g'));
  is_personal constant boolean := word ~ ('(^|_)(address|birth\w*|bin|cel\w*|cep|cnpj|cpf|digits|doc\w*|e_?mail|endereco|fone|four|'
    || 'ip|lat\w*|long\w*|mail|mobile|nome|name|phone|rg|tax_id|telefone|user_agent|zip)(_|$)');
  is_known constant boolean := word ~ ('(^|_)(id|at|date|start|end|until|status|type|currency|method|cycle|event|amount|'
    || 'value|total|gross|net|price)$|^(code|subscription_code|qty)$');
BEGIN
  CASE jsonb_typeof(value)
    WHEN 'object' THEN
      RETURN (SELECT coalesce(jsonb_object_agg(key, kept.redacted), '{}') FROM jsonb_each(value) AS part (key, held),
                     LATERAL (SELECT jobs.redacted_json(held, key) AS redacted) AS kept);
    WHEN 'array' THEN
      RETURN (SELECT coalesce(jsonb_agg(jobs.redacted_json(held, name) ORDER BY place), '[]')
              FROM jsonb_array_elements(value) WITH ORDINALITY AS part (held, place));
    WHEN 'string' THEN
      IF value IN ('""', '"[erased]"') OR (is_known AND NOT is_personal AND strpos(value #>> '{}', '@') = 0) THEN
        RETURN value;
      END IF;
      RETURN '"[erased]"';
    WHEN 'number' THEN
      IF NOT is_personal AND (is_known OR abs(value::numeric) < 100000000) THEN
        RETURN value;
      END IF;
      RETURN 'null';
    ELSE
      RETURN value;
  END CASE;
END $$;
COMMENT ON FUNCTION jobs.redacted_json IS 'A payment''s body with its amounts, dates, statuses and ids, and without what may be personal; doing it again changes nothing.';

CREATE FUNCTION jobs.redacted_payment(event jobs.payment_events) RETURNS jobs.payment_events LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  event.email := NULL;
  event.customer_id := CASE WHEN strpos(event.customer_id, '@') = 0 THEN event.customer_id END;
  event.reason := '[erased]';  -- code is the reason for programs, and stays
  event.payload := jobs.redacted_json(event.payload, NULL);
  RETURN event;
END $$;
COMMENT ON FUNCTION jobs.redacted_payment IS 'A payment event as it is after the erasure of its personal data.';

-- The audit takes one change: from a row that has a redaction to the same row without its personal data.
CREATE FUNCTION jobs.allow_redaction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM jobs.payment_redactions WHERE event_id = OLD.id)
     OR NEW IS DISTINCT FROM jobs.redacted_payment(OLD) THEN
    RAISE EXCEPTION 'jobs.% is an audit: rows are only ever added', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
DROP TRIGGER payment_events_are_kept ON jobs.payment_events;
CREATE TRIGGER payment_events_are_kept BEFORE DELETE OR TRUNCATE ON jobs.payment_events
  FOR EACH STATEMENT EXECUTE FUNCTION jobs.refuse_change();
CREATE TRIGGER payment_events_are_only_redacted BEFORE UPDATE ON jobs.payment_events
  FOR EACH ROW EXECUTE FUNCTION jobs.allow_redaction();
