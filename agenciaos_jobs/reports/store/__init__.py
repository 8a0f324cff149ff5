"""Monthly reports in Postgres."""
