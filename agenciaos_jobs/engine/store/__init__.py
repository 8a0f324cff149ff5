"""Runs, their history, schedules and batches in Postgres: one module and one file of SQL each."""
