"""Keeping within an upstream's limits: the brake, the circuit breaker, and the runs that wait."""
