"""OpenAI's wire: client, requests, responses, errors, and the signature of its webhook."""
