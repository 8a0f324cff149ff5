"""The HTTP endpoints of reports."""
