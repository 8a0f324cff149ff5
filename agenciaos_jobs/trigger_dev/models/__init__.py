"""Request and response models of Trigger.dev's endpoints."""
