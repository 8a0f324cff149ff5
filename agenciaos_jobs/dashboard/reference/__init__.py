"""The API reference: the OpenAPI document as people read it, in both languages."""
