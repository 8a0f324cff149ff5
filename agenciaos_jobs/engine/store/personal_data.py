"""Personal data in runs and what belongs to them: how it is found, exported and erased."""

from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)
