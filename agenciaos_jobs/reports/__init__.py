"""Monthly financial reports of the agencies."""
