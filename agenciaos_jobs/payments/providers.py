"""The payment providers, one line each."""

from agenciaos_jobs.payments.guru.provider import Guru
from agenciaos_jobs.payments.provider import Provider

PROVIDERS: list[type[Provider]] = [
    Guru,
]


def provider_of(source: str) -> type[Provider] | None:
    return next((one for one in PROVIDERS if one.name == source), None)


def label_of(source: str) -> str:
    """The name for people of where a payment comes from."""
    provider = provider_of(source)
    return provider.label if provider else source
