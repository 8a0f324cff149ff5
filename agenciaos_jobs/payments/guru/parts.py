"""What sales and subscriptions have in common: products and customer."""

from typing import Any

from agenciaos_jobs.payments.guru.fields import part, text
from agenciaos_jobs.payments.policy.event import Customer

_PRODUCT_IDS = ("internal_id", "id", "marketplace_id")
_TRACKING = ("source", "src", "sck", "ref", "checkout_source")


def products(body: Any) -> tuple[str, ...]:
    """The names of the product and of all items, the most specific of each first."""
    product, items = part(body, "product"), _listed(part(body, "items"))
    names = [
        part(product, "offer", "id") or part(next(iter(items), None), "offer", "id"),
        *(part(product, name) for name in _PRODUCT_IDS),
        *(name for item in items for name in (part(item, "offer", "id"), *(part(item, key) for key in _PRODUCT_IDS))),
    ]
    return tuple(dict.fromkeys(name for name in map(text, names) if name))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def customer(contact: Any, *sales: Any) -> Customer:
    tracked = [part(sale, name) for sale in sales for name in ("source", "trackings")]
    named = [value for one in tracked for name, value in _named(one) if name.startswith("utm_") or name in _TRACKING]
    email = text(part(contact, "email"))
    return Customer(
        id=text(part(contact, "id")),
        email=email.lower() if email else None,
        name=text(part(contact, "name")),
        tracking=tuple(dict.fromkeys(found for value in named if (found := text(value)))),
    )


def _named(value: Any) -> list[tuple[str, Any]]:
    return [(str(name), item) for name, item in value.items()] if isinstance(value, dict) else []
