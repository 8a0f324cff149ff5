"""Postgres, which is the truth: typed functions over the named queries in ``queries/``."""
