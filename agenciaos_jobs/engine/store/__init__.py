"""The engine's tables in Postgres: a module with a file of named queries for each concern."""
