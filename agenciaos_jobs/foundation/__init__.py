"""The base layer, which knows no jobs: clock, ids, logs, metrics, traces, database and migrations."""
