"""Terminals that do not use UTF-8."""

import codecs
import io
import sys
import unicodedata

_ASCII = {"✔": "ok", "✘": "x", "→": "->", "…": "...", "—": "-", "×": "x", "·": "-"}


def adapt_output() -> None:
    """Makes standard output and error take any text: what their encoding lacks is written in ASCII."""
    if sys.stdout is None or sys.stderr is None:
        from agenciaos_jobs.foundation import logs  # noqa: PLC0415 - takes longer than a short command

        logs.open_streams()
    codecs.register_error("agenciaos_ascii", _spell_out)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and codecs.lookup(stream.encoding).name != "utf-8":
            stream.reconfigure(errors="agenciaos_ascii")


def _spell_out(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    return "".join(map(_in_ascii, error.object[error.start : error.end])), error.end


def _in_ascii(character: str) -> str:
    """A mark as in the table, a letter without its accent, anything else as a question mark."""
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return _ASCII.get(character) or plain or "?"
