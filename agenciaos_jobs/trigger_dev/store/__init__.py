"""Queries that only Trigger.dev's endpoints use."""
