"""Pure rules of the engine: jobs, runs, cron, metadata, retention."""
