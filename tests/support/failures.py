"""Runs that fail."""

from typing import Any

from hypothesis import strategies as st
from pydantic import BaseModel

from agenciaos_jobs.engine.model.job import Hooks, Job, Limits
from agenciaos_jobs.foundation.backoff import Backoff


class Anything(BaseModel):
    agency: str | None = None


def failing(act: Any, **limits: Any) -> Job[Any]:
    async def run(app: Any, payload: Anything) -> Any:
        return await act(app, payload)

    hooks = Hooks(agency=lambda payload: payload.agency)
    return Job(
        "probe", Anything, run, limits=Limits(**{"attempts": 1, "backoff": Backoff(0.01, 0.02)} | limits), hooks=hooks
    )


values = st.one_of(
    st.integers().map(str),
    st.decimals(allow_nan=False, allow_infinity=False, places=2).map(str),
    st.uuids().map(str).filter(lambda text: any(character.isdigit() for character in text)),
    st.datetimes().map(lambda moment: moment.isoformat()),
    st.ip_addresses(v=4).map(str),
    st.integers(min_value=0x1000, max_value=1 << 48).map(hex),
    st.text("0123456789abcdefghjkmnpqrstvwxyz", min_size=26, max_size=26).map(lambda text: f"run_0{text}"),
)
