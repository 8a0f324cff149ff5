"""Ratings of the contents that a row of the costs adds up."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from agenciaos_jobs.ai_content.store import feedback
from agenciaos_jobs.ai_content.store.feedback import Verdicts
from agenciaos_jobs.foundation.database import Database
from agenciaos_jobs.foundation.month import Month


@dataclass(frozen=True)
class Opinions:
    """How many verdicts were good, and how many bad."""

    good: int = 0
    bad: int = 0


async def opinions(
    database: Database, month: Month, groups: Sequence[str]
) -> Mapping[tuple[str, str], Opinions] | None:
    """The verdicts that were given in a month, by the agency and agent of a row; ``None`` for rows by model.

    A verdict is about a content, to which several models may have contributed.
    """
    if "model" in groups:
        return None
    return summed(await feedback.verdicts(database, *month.bounds), groups)


def summed(found: Iterable[Verdicts], groups: Sequence[str]) -> Mapping[tuple[str, str], Opinions]:
    """The verdicts by agency and agent, each empty where the rows are not grouped by it."""
    sums = defaultdict[tuple[str, str], Opinions](Opinions)
    for each in found:
        key = (each.agency_id or "" if "agency" in groups else "", each.agent_type if "agent" in groups else "")
        sums[key] = Opinions(sums[key].good + each.good, sums[key].bad + each.bad)
    return sums
