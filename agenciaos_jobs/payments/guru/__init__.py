"""Digital Manager Guru as the payment provider: reader, token, webhook and REST client."""
