"""What OpenAI reports about its limits, and its models as upstreams."""
