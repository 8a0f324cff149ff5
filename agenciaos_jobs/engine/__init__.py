"""The life of a run: intake, queue, workers and schedules. It knows no job."""
