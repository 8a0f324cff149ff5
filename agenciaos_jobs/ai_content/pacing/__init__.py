"""What OpenAI reports about its limits, and the alert while a model does not answer."""
