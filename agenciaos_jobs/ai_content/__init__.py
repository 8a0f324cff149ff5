"""What the model writes: agents, prompts, the client of OpenAI, quotas, and the job that joins them."""
