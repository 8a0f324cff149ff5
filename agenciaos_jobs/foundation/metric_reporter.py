"""What a process has counted, added to the totals of all."""

from agenciaos_jobs.foundation import metric_totals, metrics
from agenciaos_jobs.foundation.database import Database


class MetricReporter:
    """Knows what of the process's counters has been added already; it begins with what is counted from now on."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._reported = metrics.counted(metrics.WORKER)

    async def flush(self) -> None:
        """Adds what was counted since the last time."""
        present = metrics.counted(metrics.WORKER)
        increments = {
            sample: value - self._reported.get(sample, 0)
            for sample, value in present.items()
            if value != self._reported.get(sample, 0)
        }
        if increments:
            await metric_totals.add(self._database, increments)
            self._reported = present
