"""What is left of an upstream's limit, as its answers report it."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Headroom:
    """What is left of a limit: ``remaining`` calls, of which ``rate`` come back each second.

    ``is_ample``: nothing suggests that a limit is near. ``pause``: how long until another call of the same size fits.
    """

    remaining: float
    rate: float
    is_ample: bool
    pause: timedelta = timedelta()
