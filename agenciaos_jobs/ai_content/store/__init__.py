"""What is kept of what the model wrote, and of the requests under way."""
