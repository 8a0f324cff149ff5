"""Queries on users and on the audit."""
