"""Cron expressions described in words."""

import re

from cron_descriptor import ExpressionDescriptor, Options
from cron_descriptor.Exception import FormatException, MissingFieldException, WrongArgumentException

from agenciaos_jobs.foundation.i18n.formatting import names
from agenciaos_jobs.foundation.i18n.language import Language


def describe(cron: str, language: Language) -> str:
    """A description such as "Às 06:00, no dia 1 do mês"; the expression itself if it can't be described."""
    options = Options(use_24hour_time_format=True, locale_code="pt_PT" if language == "pt" else "en_US")
    try:
        text = ExpressionDescriptor(cron.upper(), options).get_description()
    except (FormatException, MissingFieldException, WrongArgumentException):
        return cron
    # The library takes the names of days and months from the process's locale.
    return _in_portuguese(text) if language == "pt" else text


def _in_portuguese(text: str) -> str:
    english, portuguese = names("en"), names("pt")
    known = dict(zip(english.weekdays + english.months, portuguese.weekdays + portuguese.months, strict=True))
    return re.sub("|".join(known), lambda name: known[name[0]], text)
