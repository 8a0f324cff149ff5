"""The shutdown of a worker's process: on a signal, and whatever the threads of its jobs still do."""

import asyncio
import os
import signal
import threading
from datetime import timedelta

import structlog

from agenciaos_jobs.engine.threads import EXIT_TIMEOUT, JobThreads
from agenciaos_jobs.engine.worker.dispatcher import Dispatcher
from agenciaos_jobs.engine.worker.watchdog import yield_gil_regularly
from agenciaos_jobs.foundation.logs import Line

log = structlog.get_logger("agenciaos_jobs.worker")

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def on_signals(dispatcher: Dispatcher, threads: JobThreads, ended: asyncio.Event, hurry: asyncio.Event) -> None:
    """Has the first SIGTERM or SIGINT set ``ended`` and the second ``hurry``, in a process of the worker's own."""

    def signaled() -> None:
        if ended.is_set():
            hurry.set()
        else:
            dispatcher.stop()
            ended.set()
            log.info("worker_draining")

    def interrupting() -> None:
        if threads.are_working:
            _end_process(EXIT_TIMEOUT)

    yield_gil_regularly()
    dispatcher.before_interruption = interrupting
    for number in _SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, signaled)


def end_if_working(threads: JobThreads) -> None:
    """Ends the process if a thread still works: the interpreter would wait for it, and it cannot be stopped."""
    if threads.are_working:
        _end_process(timedelta())


def _end_process(after: timedelta) -> None:
    """Ends the process, successfully, at the latest after this time."""

    def end() -> None:
        Line.write()
        os._exit(0)

    timer = threading.Timer(after.total_seconds(), end)
    timer.daemon = True
    timer.start()
