"""A cron expression in words."""

import re

from cron_descriptor import ExpressionDescriptor, Options
from cron_descriptor.Exception import FormatException, MissingFieldException, WrongArgumentException

_PORTUGUESE = {
    "Monday": "segunda-feira",
    "Tuesday": "terça-feira",
    "Wednesday": "quarta-feira",
    "Thursday": "quinta-feira",
    "Friday": "sexta-feira",
    "Saturday": "sábado",
    "Sunday": "domingo",
    "January": "janeiro",
    "February": "fevereiro",
    "March": "março",
    "April": "abril",
    "May": "maio",
    "June": "junho",
    "July": "julho",
    "August": "agosto",
    "September": "setembro",
    "October": "outubro",
    "November": "novembro",
    "December": "dezembro",
}
_NAMES = re.compile("|".join(_PORTUGUESE))


def describe(cron: str, language: str) -> str:
    """Such as "Às 06:00, no dia 1 do mês"; the expression itself where there are no words for it."""
    options = Options(use_24hour_time_format=True, locale_code="pt_PT" if language == "pt" else "en_US")
    try:
        text = ExpressionDescriptor(cron.upper(), options).get_description()
    except (FormatException, MissingFieldException, WrongArgumentException):
        return cron
    # The library takes the names of days and months from the process's own locale.
    return _NAMES.sub(lambda name: _PORTUGUESE[name[0]], text) if language == "pt" else text
