"""The jobs of AI content."""
