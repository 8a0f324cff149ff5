"""What every endpoint shares: bodies, problems, authorization, limits and shutdown."""
