"""The people who operate the service: named users with roles, and the audit of what they did."""
