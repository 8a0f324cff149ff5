"""The data directory of ``dev``: used by one process at a time, and emptied only if ``dev`` made it."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agenciaos_jobs.dev.stack import StackError
from agenciaos_jobs.foundation.i18n.terminal import t

MARKER = ".agenciaos-jobs"
"""The file that marks a directory in which everything is ``dev``'s."""


@contextmanager
def reserved(directory: Path, *, fresh: bool, is_own: bool) -> Iterator[None]:
    """Reserves a directory for this process, and empties it first if it is to be ``fresh``.

    ``is_own``: the directory is in the user's data of this program, so that it needs no marker. Raises
    :class:`StackError` if another process has reserved it, or if it is to be emptied and is not known to be ``dev``'s.
    """
    directory.mkdir(parents=True, exist_ok=True)
    opened = os.open(directory, os.O_RDONLY)
    try:
        _lock(opened, directory)
        if fresh:
            _require_own(directory, is_own)
            _empty(directory)
        if not any(directory.iterdir()):
            (directory / MARKER).touch()
        yield
    finally:
        os.close(opened)


def _lock(opened: int, directory: Path) -> None:
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StackError(
            t(
                f"outro `agenciaos-jobs dev` já usa {directory}: pare-o, ou escolha outro diretório com --data",
                f"another `agenciaos-jobs dev` uses {directory}: stop it, or choose another directory with --data",
            )
        ) from None


def _require_own(directory: Path, is_own: bool) -> None:
    if is_own or (directory / MARKER).exists() or not any(directory.iterdir()):
        return
    raise StackError(
        t(
            f"--fresh apagaria {directory}, que não foi criado por `agenciaos-jobs dev`; apague-o, ou escolha outro",
            f"--fresh would delete {directory}, which `agenciaos-jobs dev` did not make; delete it, or choose another",
        )
    )


def _empty(directory: Path) -> None:
    for child in directory.iterdir():
        if child.is_dir() and not child.is_symlink():
            shutil.rmtree(child)
        else:
            child.unlink()
