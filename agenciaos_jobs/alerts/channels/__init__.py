"""The ways to reach an operator: e-mail, Slack, and a signed webhook."""
