"""Pure rules: from a payment event to a purchase, an entitlement and a decision."""
