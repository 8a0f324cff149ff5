"""The business rules of plans."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from pydantic import ValidationInfo


@dataclass(frozen=True)
class Terms:
    """The plans, the plan of each product, and how long each exception lasts.

    ``plans`` go from the lowest to the highest; the first one is that of an agency without a purchase. ``grace`` is how
    long an unpaid plan is kept. ``trial`` is the length of a trial without an end. ``silence`` is how long after its
    paid period an active subscription is kept without any event; ``None``: for ever. ``cancel_keeps_period``: a
    cancelled subscription keeps its plan until the end of the period that was paid.
    """

    plans: tuple[str, ...]
    products: Mapping[str, str]
    grace: timedelta
    cancel_keeps_period: bool = True
    trial: timedelta = timedelta(days=7)
    silence: timedelta | None = None

    @property
    def base_plan(self) -> str:
        return self.plans[0]

    def rank(self, plan: str) -> int:
        """The plan's place in the order; 0 for the base plan, and for one that is not listed."""
        return self.plans.index(plan) if plan in self.plans else 0

    def product(self, candidates: Iterable[str]) -> str | None:
        """The first of a product's names that has a plan."""
        return next((name for name in candidates if name in self.products), None)

    def with_products(self, more: Mapping[str, str]) -> "Terms":
        """Adds products; those that are already listed keep their plan."""
        return replace(self, products={**more, **self.products})


def read_plans(value: object) -> object:
    """``FREE:20,PRO:500`` as a dict, in the same order; any other value as it is. Raises ``ValueError``."""
    if not isinstance(value, str):
        return value
    pairs = [pair.partition(":") for pair in value.split(",") if pair.strip()]
    plans = {name.strip().upper(): limit.strip() for name, _, limit in pairs}
    if "" in plans or len(plans) < len(pairs):
        raise ValueError("expected PLAN:limit pairs with commas between them, such as FREE:20,PRO:500")
    return plans


def read_products(value: object) -> object:
    """``pro-monthly=PRO,pro-yearly=PRO`` as a dict; any other value as it is. Raises ``ValueError``."""
    if not isinstance(value, str):
        return value
    pairs = [pair.partition("=") for pair in value.split(",") if pair.strip()]
    if any(not product.strip() or not plan.strip() for product, _, plan in pairs):
        raise ValueError("expected product=PLAN pairs with commas between them, such as pro-monthly=PRO")
    return {product.strip(): plan.strip().upper() for product, _, plan in pairs}


def require_plans(products: dict[str, str], info: ValidationInfo) -> dict[str, str]:
    """The products. Raises ``ValueError`` for those whose plan is not in the setting ``plans``."""
    plans = info.data.get("plans", products.values())
    if unknown := [f"{product}={plan}" for product, plan in products.items() if plan not in plans]:
        raise ValueError(f"{', '.join(unknown)}: PLANS has {', '.join(plans)}")
    return products
