"""An agency's figures: how they are exported and erased."""

from agenciaos_jobs.foundation.sql import load

QUERIES = load(__name__)
