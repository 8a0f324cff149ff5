"""The services of a worker, built on an open runtime."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from typing import Any

from agenciaos_jobs.ai_content.store import spend
from agenciaos_jobs.alerts.failures import BlockedLoopAlert, EarlySlotAlert, FailureRecorder
from agenciaos_jobs.alerts.store.alerts import drop_old_alerts
from agenciaos_jobs.engine.model.job import Job
from agenciaos_jobs.engine.scheduler import Scheduler
from agenciaos_jobs.engine.store.workers import Worker
from agenciaos_jobs.engine.threads import JobThreads
from agenciaos_jobs.engine.worker import heartbeat
from agenciaos_jobs.engine.worker.completer import Completer
from agenciaos_jobs.engine.worker.contexts import Contexts
from agenciaos_jobs.engine.worker.dispatcher import Dispatcher
from agenciaos_jobs.engine.worker.heartbeat import Heartbeat
from agenciaos_jobs.engine.worker.housekeeping import HOURLY, Chore, Housekeeping
from agenciaos_jobs.engine.worker.job_cleanup import JobCleanup
from agenciaos_jobs.engine.worker.lease import Lease
from agenciaos_jobs.engine.worker.pruner import Pruner
from agenciaos_jobs.engine.worker.recorder import Recorder
from agenciaos_jobs.engine.worker.rescuer import Rescuer
from agenciaos_jobs.engine.worker.run_log import RunLog
from agenciaos_jobs.engine.worker.run_streams import RunStreams
from agenciaos_jobs.engine.worker.runner import Runner
from agenciaos_jobs.engine.worker.watchdog import Watchdog
from agenciaos_jobs.foundation.database import ENGINE_TIMEOUT
from agenciaos_jobs.registry import JobsModuleError
from agenciaos_jobs.trigger_dev.store import packets, spent_tokens
from agenciaos_jobs.wiring import Runtime


@dataclass(frozen=True)
class WorkerServices:
    """The services of a worker."""

    runtime: Runtime
    runner: Runner
    run_log: RunLog
    lease: Lease
    heartbeat: Heartbeat
    rescuer: Rescuer
    scheduler: Scheduler
    job_cleanup: JobCleanup
    pruner: Pruner
    dispatcher: Dispatcher


def worker_services(runtime: Runtime, jobs: Mapping[str, Job[Any]]) -> WorkerServices:
    """Builds a worker for these jobs on an open runtime.

    Raises ``JobsModuleError`` for a job whose resource nothing opens.
    """
    for job in jobs.values():
        if job.uses is not None and job.uses not in runtime.resources:
            raise JobsModuleError(f"JOBS_MODULES: job {job.task!r} uses {job.uses.__name__}, which nothing opens")
    pool, clock, outbox = runtime.database, runtime.clock, runtime.outbox
    quick = pool.within(ENGINE_TIMEOUT)
    slots, threads = runtime.settings.worker_max_jobs, JobThreads(runtime.settings.worker_max_jobs)
    release = version("agenciaos-jobs")
    worker = Worker(runtime.id, socket.gethostname(), os.getpid(), clock.now(), slots, release)
    run_log = RunLog(quick, clock, runtime.redactor)
    on_failures = FailureRecorder(clock, runtime.alerting.rules).record
    completer = Completer(pool, clock, jobs, worker.id, outbox, runtime.redactor, on_failures)
    producers = runtime.intake if runtime.settings.arq_producers else None
    streams = RunStreams(quick, clock)
    intake, wait_tokens = runtime.intake, runtime.wait_tokens
    contexts = Contexts(pool, clock, runtime.resources, intake, wait_tokens, run_log, streams, threads)
    recorder = Recorder(completer, run_log, streams, clock)
    runner = Runner(pool, clock, jobs, worker.id, contexts, completer, recorder)
    watchdog = Watchdog(pool, jobs, runner.running, run_log, BlockedLoopAlert(clock, runtime.redactor).record)
    housekeeping = Housekeeping(pool, clock, CHORES)
    dispatcher = Dispatcher(runtime.queue, runner, producers, outbox, clock, jobs, slots, worker.id)
    return WorkerServices(
        runtime=runtime,
        runner=runner,
        run_log=run_log,
        lease=Lease(pool, clock, worker, watchdog, dispatcher.set_draining),
        heartbeat=Heartbeat(pool.within(heartbeat.TIMEOUT), worker, runner, run_log),
        rescuer=Rescuer(quick, runtime.queue, outbox, clock, jobs, worker.id, on_failures, housekeeping),
        scheduler=Scheduler(quick, runtime.intake, clock, jobs, EarlySlotAlert(clock).record),
        job_cleanup=JobCleanup(quick, clock, jobs, runtime.resources),
        pruner=Pruner(pool, clock, runtime.retention),
        dispatcher=dispatcher,
    )


CHORES = (
    Chore(HOURLY, packets.drop_expired),
    Chore(HOURLY, spent_tokens.drop_expired),
    Chore(HOURLY, drop_old_alerts),
    Chore(timedelta(minutes=1), spend.count_closed_days),
)
"""The housekeeping of the wings."""
