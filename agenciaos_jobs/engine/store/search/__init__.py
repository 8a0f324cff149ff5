"""The search of runs by their words."""
