"""Rules without I/O: decided in plain functions, tested by the thousand."""
