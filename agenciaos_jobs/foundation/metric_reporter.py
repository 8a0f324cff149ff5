"""The metric reporter: adds a process's counters to the totals in Postgres."""

from agenciaos_jobs.foundation import metric_totals, metrics
from agenciaos_jobs.foundation.database import Database


class MetricReporter:
    """Tracks which increments have been added; starts from the counters' current values."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._reported = metrics.counted(metrics.WORKER)

    async def flush(self) -> None:
        """Adds the increments since the last flush."""
        present = metrics.counted(metrics.WORKER)
        increments = {
            sample: value - self._reported.get(sample, 0)
            for sample, value in present.items()
            if value != self._reported.get(sample, 0)
        }
        if increments:
            await metric_totals.add(self._database, increments)
            self._reported = present
