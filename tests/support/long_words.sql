-- Names, ids and sums as long as anybody has them.
UPDATE public.agencies SET name = 'Agência Superconstrutora de Experiências Inesquecíveis e Comunicação Integrada do Litoral Norte Paulista S/A' WHERE id = 'agency-123';
UPDATE public.agencies SET name = 'Otorrinolaringologicamenteincomparável-Pneumoultramicroscopicossilicovulcanoconiótica' WHERE id = 'agency-124';
UPDATE public.users SET name = 'Maria Aparecida da Conceição Albuquerque de Vasconcelos e Souza Filha',
  email = left(id, 8) || '.maria.aparecida.da.conceicao.albuquerque.de.vasconcelos@superconstrutoradeexperiencias.com.br';
INSERT INTO public.revenues (id, "agencyId", description, amount, category, "isRecurring", date, "updatedAt")
SELECT 'long-revenue-' || agency.id || n, agency.id, '', 87654321.09, 'Gestão de redes sociais, tráfego pago e produção audiovisual completa ' || n, true,
       timestamp '2026-10-15' - n * interval '1 month', now()
FROM public.agencies AS agency, generate_series(0, 14) AS n;
INSERT INTO public.expenses (id, "agencyId", description, amount, category, date, "updatedAt")
SELECT 'long-expense-' || agency.id || n, agency.id, '', CASE WHEN n % 3 = 0 THEN 98765432.10 ELSE 76543210.98 END,
       'Otorrinolaringologicamenteincomparáveispagamentos', timestamp '2026-10-12' - n * interval '1 month', now()
FROM public.agencies AS agency, generate_series(0, 14) AS n;
INSERT INTO jobs.run_hours (hour, task, outcome, runs)
SELECT hour, task, outcome, 98765 FROM generate_series(date_trunc('hour', now()) - interval '31 days', date_trunc('hour', now()) - interval '1 hour', interval '1 hour') AS hour,
  unnest(ARRAY['generate-ai-content', 'generate-monthly-reports', 'process-payment-webhook']) AS task, unnest(ARRAY['good', 'bad', 'off']) AS outcome;
INSERT INTO jobs.counted_hours (hour, open) SELECT DISTINCT hour, 0 FROM jobs.run_hours ON CONFLICT DO NOTHING;
