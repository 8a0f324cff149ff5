-- $1 agencies, each with a revenue and an expense in every month of a year up to October 2026.
INSERT INTO users (id, email, "updatedAt") SELECT 'u' || n, n || '@agencia.example', now() FROM generate_series(1, $1) AS n;

INSERT INTO agencies (id, name, slug, "ownerId", "createdAt", "updatedAt")
SELECT 'bench-' || n, 'Agência ' || n, 's' || n, 'u' || n, '2020-01-01', now() FROM generate_series(1, $1) AS n;

INSERT INTO revenues (id, "agencyId", description, amount, category, "isRecurring", date, "updatedAt")
SELECT 'r' || n || '-' || k, 'bench-' || n, '', n % 977 * 10 + k + 0.37, 'Categoria ' || (n + k) % 23, k % 3 = 0,
       timestamp '2026-10-15' - make_interval(months => k), now()
FROM generate_series(1, $1) AS n, generate_series(0, 11) AS k;

INSERT INTO expenses (id, "agencyId", description, amount, category, date, "updatedAt")
SELECT 'e' || n || '-' || k, 'bench-' || n, '', n % 577 * 10 + k + 0.37, 'Despesa ' || (n + k) % 19,
       timestamp '2026-10-15' - make_interval(months => k), now()
FROM generate_series(1, $1) AS n, generate_series(0, 11) AS k;

-- bare
SELECT count(*) FROM (
  SELECT agency_id, month, sum(revenue), sum(expenses) FROM (
    SELECT "agencyId" AS agency_id, date_trunc('month', date) AS month, amount AS revenue, 0 AS expenses FROM revenues
    UNION ALL
    SELECT "agencyId", date_trunc('month', date), 0, amount FROM expenses) AS entry
  GROUP BY agency_id, month) AS summed
