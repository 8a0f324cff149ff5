"""The run engine: intake, queue, workers and schedules. It knows no job."""
