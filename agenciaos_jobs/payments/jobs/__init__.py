"""The jobs of payments."""
