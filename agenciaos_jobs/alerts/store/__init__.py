"""Alerts, their notifications, and the conditions that raise them."""
