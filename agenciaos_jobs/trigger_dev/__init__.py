"""Trigger.dev's API, as its SDKs call it."""
