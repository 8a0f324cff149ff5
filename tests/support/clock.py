"""A clock that stands still until a test moves it."""

import random
from datetime import datetime, timedelta

from agenciaos_jobs.foundation.clock import make_id


class FrozenClock:
    def __init__(self, now: datetime, chance: float = 0.0) -> None:
        self._now, self._chance = now, chance

    def now(self) -> datetime:
        return self._now

    def random(self) -> float:
        return self._chance

    def new_id(self, prefix: str) -> str:
        return make_id(prefix, self._now, random.getrandbits(80))

    def follow(self, *_: datetime) -> None:
        pass

    def set(self, moment: datetime) -> None:
        self._now = moment

    def pass_(self, time: timedelta) -> None:
        self._now += time
