"""Lists as files: ``/runs.csv?status=failures`` has what ``/runs?status=failures`` lists, on all of its pages."""
