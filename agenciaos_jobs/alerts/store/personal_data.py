"""Personal data in alerts and their notices: how it is exported and erased."""

from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)
