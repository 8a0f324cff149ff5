"""Whom an alert is about: agencies by their names, and the different errors among its runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agenciaos_jobs.alerts.alert import Alert
from agenciaos_jobs.alerts.kinds import ERROR_BACK, ERROR_NEW
from agenciaos_jobs.alerts.store import alerts as store
from agenciaos_jobs.foundation import agencies
from agenciaos_jobs.foundation.database import Executor


@dataclass(frozen=True)
class Affected:
    """``names`` are the agencies' by subject: by an agency's id, or by a run's. ``agencies`` are all that are known.

    ``errors`` are the different codes or types of the subjects' errors.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    agencies: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


NOBODY = Affected()


async def affected(executor: Executor, alerts: Sequence[Alert]) -> dict[str, Affected]:
    """By alert id, whom each is about. Alerts about errors name the agencies of the newest runs with them."""
    if not alerts or "agencies" in await agencies.tables_missing(executor):
        return {}
    subjects = [(alert.id, subject) for alert in alerts for subject in alert.subjects]
    errors = [
        (alert.id, str(fingerprint), alert.since)
        for alert in alerts
        if alert.kind in {ERROR_NEW, ERROR_BACK} and (fingerprint := alert.details.get("fingerprint"))
    ]
    rows = await store.affected(executor, subjects, errors)
    return {alert.id: _of([row for row in rows if row.alert_id == alert.id]) for alert in alerts}


def _of(rows: Sequence[store.AffectedRow]) -> Affected:
    return Affected(
        names={row.subject: row.agency for row in rows if row.subject and row.agency},
        agencies=tuple(dict.fromkeys(row.agency for row in rows if row.agency)),
        errors=tuple(dict.fromkeys(row.error for row in rows if row.error)),
    )
