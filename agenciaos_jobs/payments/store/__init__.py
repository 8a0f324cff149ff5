"""Payments and purchases in Postgres."""
