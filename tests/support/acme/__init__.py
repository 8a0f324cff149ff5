"""A payment provider that exists in the tests alone."""
