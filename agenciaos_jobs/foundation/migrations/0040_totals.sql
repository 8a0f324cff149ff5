-- Monthly reports sum millions of amounts into millions of small groups.

CREATE AGGREGATE jobs.total(numeric) (SFUNC = numeric_add, STYPE = numeric, COMBINEFUNC = numeric_add, PARALLEL = SAFE);

COMMENT ON AGGREGATE jobs.total(numeric) IS
  'The same as sum, for groups of few rows. Its state is the sum itself; that of sum takes ten times the memory.';
