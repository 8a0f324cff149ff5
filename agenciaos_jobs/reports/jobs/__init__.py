"""The jobs of reports."""
