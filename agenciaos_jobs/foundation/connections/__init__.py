"""Connections to Postgres and Redis that may die without a reset."""
