"""The jobs of alerts."""
