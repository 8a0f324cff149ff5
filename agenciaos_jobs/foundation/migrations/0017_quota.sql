-- A generation of the month is set aside in one round trip instead of seven, and its row lock lasts as long.

CREATE FUNCTION jobs.reserve_generation(
  run text, number integer, agency text, of_month date, first timestamptz, before timestamptz, most integer,
  present timestamptz, OUT is_owned boolean, OUT granted boolean, OUT used integer)
LANGUAGE plpgsql AS $$
DECLARE
  elsewhere integer;
BEGIN
  PERFORM FROM jobs.runs WHERE id = run AND attempt = number AND status = 'EXECUTING' FOR UPDATE;
  is_owned := FOUND;
  IF NOT is_owned THEN RETURN; END IF;
  LOOP
    SELECT used_before INTO elsewhere FROM jobs.ai_quotas WHERE agency_id = agency AND month = of_month FOR UPDATE;
    EXIT WHEN FOUND;
    -- Counts once what the application's table already holds of the month; our own rows there bear a run's id.
    INSERT INTO jobs.ai_quotas (agency_id, month, used_before)
    SELECT agency, of_month, count(*) FROM public.ai_usage
    WHERE "agencyId" = agency AND "createdAt" >= first AT TIME ZONE 'UTC' AND "createdAt" < before AT TIME ZONE 'UTC'
      AND NOT starts_with(id, 'run_')
    ON CONFLICT (agency_id, month) DO NOTHING;
  END LOOP;
  SELECT elsewhere + count(*) INTO used FROM jobs.ai_reservations WHERE agency_id = agency AND month = of_month;
  IF EXISTS (SELECT FROM jobs.ai_reservations WHERE run_id = run) THEN
    granted := true;
    used := used - 1;
  ELSE
    granted := used < most;
    IF granted THEN INSERT INTO jobs.ai_reservations VALUES (run, agency, of_month, present); END IF;
  END IF;
END $$;

COMMENT ON FUNCTION jobs.reserve_generation IS 'Sets aside one generation of the agency''s month for a run, once however often it is tried. is_owned: whether the attempt goes on; granted: whether there was one left; used: how many were taken without it.';
