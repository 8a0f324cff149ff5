"""Payments: purchases, and the plan that each agency is entitled to."""
