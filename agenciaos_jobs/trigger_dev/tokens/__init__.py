"""Public tokens at the endpoints of Trigger.dev's SDKs."""
