"""AgênciaOS's background jobs."""
