"""Trigger.dev's wire, as its SDKs speak it."""
