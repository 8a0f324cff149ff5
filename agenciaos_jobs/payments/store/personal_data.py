"""Personal data in payments: how it is found, exported and erased. The audit keeps amounts, dates, statuses and ids."""

from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)
