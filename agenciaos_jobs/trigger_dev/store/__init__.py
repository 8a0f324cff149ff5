"""Queries of Trigger.dev's endpoints alone."""
