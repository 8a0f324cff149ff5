"""The service's own endpoints: `POST /api/trigger`, health, metrics and the OpenAPI document."""
