"""What a call cost, by the price list that genai-prices carries (offline, Decimal)."""

from datetime import datetime
from decimal import Decimal

from genai_prices import Usage as PricedUsage
from genai_prices import calc_price


def cost(
    model: str,
    input_tokens: int,
    cached_tokens: int,
    cache_write_tokens: int,
    output_tokens: int,
    service_tier: str | None,
    at: datetime,
) -> Decimal | None:
    """US dollars for one call, ``None`` where the model's price is not known.

    ``input_tokens`` includes those read from the cache and those written to it, which cost 1.25 times as much from
    GPT-5.6 on.
    """
    usage = PricedUsage(
        input_tokens=input_tokens,
        cache_read_tokens=cached_tokens,
        cache_write_tokens=cache_write_tokens,
        output_tokens=output_tokens,
    )
    context = {"service_tier": service_tier} if service_tier else None
    try:
        price = calc_price(
            usage, model_ref=model, provider_id="openai", genai_request_timestamp=at, price_context=context
        )
    except LookupError:
        return None
    return Decimal(price.total_price)
