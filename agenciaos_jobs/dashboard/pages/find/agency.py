"""The agency that a filter names: by its id, by its name, or by a part of the name that only one has."""

from dataclasses import dataclass

from agenciaos_jobs.dashboard.store import find
from agenciaos_jobs.dashboard.store.find import AgencyMatch
from agenciaos_jobs.foundation.database import Database

MAX_SHOWN = 10


@dataclass(frozen=True)
class NamedAgency:
    """``found`` is the agency that a text names; otherwise ``alike`` are those that it may name."""

    text: str = ""
    found: AgencyMatch | None = None
    alike: tuple[AgencyMatch, ...] = ()

    @property
    def is_rewritten(self) -> bool:
        """Whether the text is not the id yet, by which runs are filtered."""
        return self.found is not None and self.found.id != self.text


async def read(database: Database, text: str | None) -> NamedAgency:
    if text is None:
        return NamedAgency()
    matches = await find.agencies(database, text, MAX_SHOWN)
    if matches and matches[0].id == text:
        return NamedAgency(text, matches[0])
    exact = [match for match in matches if match.is_exact]
    meant = exact if len(exact) == 1 else matches
    return NamedAgency(text, meant[0]) if len(meant) == 1 else NamedAgency(text, alike=tuple(matches))
