-- Three agencies with a year of revenues and expenses up to the present month ($1), the same on every run.

INSERT INTO users (id, email, name, role, "emailVerified", "updatedAt")
SELECT * FROM (VALUES
  ('user-456', 'marina@aurora.example', 'Marina Souza', 'OWNER'::"Role", '2021-03-01'::timestamp(3), now()::timestamp(3)),
  ('user-457', 'caio@bemtevi.example', 'Caio Lima', 'OWNER', NULL, now()::timestamp(3)),
  ('user-458', 'iara@cajueiro.example', 'Iara Nunes', 'OWNER', NULL, now()::timestamp(3))
) AS person (id, email, name, role, verified, updated) ON CONFLICT DO NOTHING;

INSERT INTO agencies (id, name, slug, "ownerId", "createdAt", "updatedAt") VALUES
  ('agency-123', 'Agência Aurora', 'aurora', 'user-456', '2021-03-01', now()),
  ('agency-124', 'Bem-te-vi Digital', 'bem-te-vi', 'user-457', '2021-03-01', now()),
  ('agency-125', 'Cajueiro Conteúdo', 'cajueiro', 'user-458', '2021-03-01', now())
ON CONFLICT DO NOTHING;

UPDATE users SET "agencyId" = agency.id FROM agencies AS agency WHERE agency."ownerId" = users.id;

INSERT INTO clients (id, "agencyId", name, company, "updatedAt") VALUES
  ('client-1', 'agency-123', 'Paula Reis', 'TechCel', now()),
  ('client-2', 'agency-123', 'João Prado', 'Café Serrano', now()),
  ('client-3', 'agency-124', 'Lúcia Alves', 'Clínica Vida Leve', now()),
  ('client-4', 'agency-125', 'Rui Castro', 'Pousada do Sol', now())
ON CONFLICT DO NOTHING;

INSERT INTO projects (id, "agencyId", "clientId", name, status, "updatedAt") VALUES
  ('project-1', 'agency-123', 'client-1', 'Lançamento do smartphone', 'IN_PROGRESS', now()),
  ('project-2', 'agency-123', 'client-2', 'Redes sociais do café', 'IN_PROGRESS', now()),
  ('project-3', 'agency-124', 'client-3', 'Campanha de agendamentos', 'REVIEW', now()),
  ('project-4', 'agency-125', 'client-4', 'Blog de viagens', 'PLANNING', now())
ON CONFLICT DO NOTHING;

WITH month AS (
  SELECT number, (date_trunc('month', $1::timestamp) - make_interval(months => number))::timestamp AS first_day
  FROM generate_series(0, 12) AS number
), line (agency_id, category, base, recurring, day) AS (VALUES
  ('agency-123', 'Gestão de redes sociais', 4200.00, true, 1), ('agency-123', 'Tráfego pago', 3100.00, true, 5),
  ('agency-123', 'Projetos avulsos', 1850.50, false, 12), ('agency-123', 'Consultoria', 900.00, false, 20),
  ('agency-124', 'Tráfego pago', 2600.00, true, 3), ('agency-124', 'Criação de sites', 4750.90, false, 15),
  ('agency-125', 'Produção de conteúdo', 1980.00, true, 10), ('agency-125', 'SEO', 1200.00, true, 10)
)
INSERT INTO revenues (id, "agencyId", description, amount, category, "isRecurring", date, "updatedAt")
SELECT format('demo-revenue-%s-%s-%s', agency_id, day, number) || '-' || left(md5(category), 6), agency_id, category,
       round(base * (1 + ((number * 7 + day) % 9 - 4) * 0.03), 2), category, recurring,
       first_day + make_interval(days => day - 1), now()
FROM month CROSS JOIN line ON CONFLICT DO NOTHING;

WITH month AS (
  SELECT number, (date_trunc('month', $1::timestamp) - make_interval(months => number))::timestamp AS first_day
  FROM generate_series(0, 12) AS number
), line (agency_id, category, base, day) AS (VALUES
  ('agency-123', 'Salários', 4300.00, 5), ('agency-123', 'Mídia', 1500.00, 8), ('agency-123', 'Ferramentas', 420.00, 2),
  ('agency-123', 'Impostos', 760.00, 20), ('agency-124', 'Salários', 3900.00, 5), ('agency-124', 'Aluguel', 1200.00, 1),
  ('agency-124', 'Freelancers', 1650.00, 18), ('agency-125', 'Freelancers', 2400.00, 12),
  ('agency-125', 'Ferramentas', 380.00, 2)
)
INSERT INTO expenses (id, "agencyId", description, amount, category, date, "updatedAt")
SELECT format('demo-expense-%s-%s-%s', agency_id, day, number) || '-' || left(md5(category), 6), agency_id, category,
       round(base * (1 + ((number * 5 + day) % 7 - 3) * 0.02), 2), category,
       first_day + make_interval(days => day - 1), now()
FROM month CROSS JOIN line ON CONFLICT DO NOTHING
