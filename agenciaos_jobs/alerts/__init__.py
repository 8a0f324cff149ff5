"""Alerts for operators: kinds, rules, texts, channels and the notifier."""
