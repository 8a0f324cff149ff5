"""Errors that are explained to whoever asked, and text in two languages."""

import pytest

from agenciaos_jobs.cli.common import reason
from agenciaos_jobs.engine.control import TooManyTagsError, UnknownJobError, UnknownRunError
from agenciaos_jobs.foundation.database import DatabaseUnavailableError
from agenciaos_jobs.foundation.i18n.text import Text


def test_an_error_names_what_it_is_about_in_logs_and_on_the_command_line(monkeypatch: pytest.MonkeyPatch):
    error = UnknownRunError("run_1")
    assert str(error) == "Run not found: run_1"
    for locale, message in (("pt_BR.UTF-8", "Execução não encontrada: run_1"), ("en_US.UTF-8", "Run not found: run_1")):
        monkeypatch.setenv("LC_ALL", locale)
        assert reason(error) == message
    assert (error.status, error.text.pt) == (404, "Execução não encontrada")


def test_an_outage_is_logged_as_what_happened_and_told_with_when_to_try_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LC_ALL", "pt_BR.UTF-8")
    error = DatabaseUnavailableError("ConnectionRefusedError: 127.0.0.1:5432")
    assert str(error) == "ConnectionRefusedError: 127.0.0.1:5432"
    assert error.headers == {"Retry-After": "5"}
    assert reason(error).startswith("Banco de dados indisponível; tente novamente em alguns segundos: Connection")


def test_wrong_fields_are_told_in_the_reader_s_language():
    (wrong,) = TooManyTagsError(12, 10).fields
    assert wrong.message("pt") == "a execução teria 12 tags; o máximo é 10"
    assert wrong.message("en") == "the run would have 12 tags of at most 10"


def test_a_task_s_name_is_not_read_as_a_template():
    assert UnknownJobError("{x}").text.en == "There is no task {x} any more; the run can't be replayed"


def test_a_text_is_filled_in_in_each_language():
    text = Text("{who}: {count} vezes", "{who}: {count} times").format(who=Text("Agência", "Agency"), count=3)
    assert (text.in_language("pt"), text.in_language("en")) == ("Agência: 3 vezes", "Agency: 3 times")
    assert str(text) == "Agência: 3 vezes / Agency: 3 times"
