"""Addresses of recipients."""

from email.errors import HeaderParseError
from email.headerregistry import Address


def recipient_address(text: str) -> str | None:
    """The address as it is stored; ``None`` if it is none."""
    email = text.strip().lower()
    try:
        address = Address(addr_spec=email)
    except (ValueError, IndexError, HeaderParseError):
        return None
    return email if email.isascii() and address.username and "." in address.domain and len(email) <= 254 else None
