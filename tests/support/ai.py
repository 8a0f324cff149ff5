"""What the tests of AI content ask for."""

REQUEST = {
    "agencyId": "agency-123",
    "agentType": "META_ADS_COPY",
    "input": {"produto": "Smartphone", "publico": "Jovens 18-25"},
    "userId": "user-456",
}
