"""What helps to find runs: suggestions for filters, and saved views."""
