"""The outside world behind our own types."""
