"""What knows nothing of jobs: clock, ids, logs, metrics, traces, database and migrations."""
