"""What operators are notified about: kinds, rules, texts, channels and the notifier."""
