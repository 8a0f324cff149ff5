"""AI content: agents, prompts, the OpenAI client, quotas, and the job that uses them."""
