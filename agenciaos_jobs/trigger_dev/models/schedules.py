"""Request and response models of schedules."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, StringConstraints
from pydantic_core import PydanticCustomError

from agenciaos_jobs.engine.model import cron, cron_text
from agenciaos_jobs.engine.model.job import Schedule
from agenciaos_jobs.engine.store.schedules import StoredSchedule, Wanted
from agenciaos_jobs.foundation.i18n.language import Language
from agenciaos_jobs.http.problems import wrong_field
from agenciaos_jobs.registry import JOBS, JOBS_BY_NAME
from agenciaos_jobs.trigger_dev.models.runs import SdkSchedule
from agenciaos_jobs.trigger_dev.options import WireModel


def _checked(code: str, check: Callable[[str], str]) -> AfterValidator:
    def validate(text: str) -> str:
        try:
            return check(text)
        except ValueError as error:
            raise PydanticCustomError(code, "{reason}", {"reason": str(error)}) from None

    return AfterValidator(validate)


Cron = Annotated[str, Field(max_length=200), _checked("cron", cron.check_cron)]
Timezone = Annotated[str, _checked("timezone", cron.check_timezone)]
ExternalId = Annotated[str, StringConstraints(min_length=1, max_length=1024)]


class ScheduleUpdate(WireModel):
    """A task and its cron. The zone defaults to UTC; ``externalId`` is passed to the runs in their payloads."""

    task: str
    cron: Cron = Field(examples=["0 6 1 * *"])
    timezone: Timezone = Field(default="UTC", examples=["America/Sao_Paulo"])
    external_id: ExternalId | None = None

    @property
    def wanted(self) -> Wanted:
        return Wanted(_known_task(self.task), Schedule(self.cron, self.timezone), self.external_id)


class ScheduleCreation(ScheduleUpdate):
    """A new schedule; another one with the same ``deduplicationKey`` updates the first."""

    deduplication_key: Annotated[str, StringConstraints(min_length=1, max_length=512)]


class ScheduleGenerator(WireModel):
    """The cron expression, and its description."""

    type: str = "CRON"
    expression: str
    description: str


class ScheduleEnvironment(WireModel):
    """The schedule's environment; there is only one."""

    id: str = "env_agenciaos"
    type: str = "PRODUCTION"


class ScheduleObject(WireModel):
    """A schedule. A DECLARATIVE one is declared in a job's code; ``nextRun`` is omitted while it is inactive."""

    id: str
    type: str
    task: str
    active: bool
    deduplication_key: str | None = None
    external_id: str | None = None
    generator: ScheduleGenerator
    timezone: str
    next_run: datetime | None = None
    environments: list[ScheduleEnvironment] = Field(default=[ScheduleEnvironment()])


class ScheduleId(BaseModel):
    """The deleted schedule."""

    id: str


class PageRequest(WireModel):
    """The requested page, counted from 1."""

    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    per_page: Annotated[int, Field(ge=1, le=100)] = 50


class SchedulePagination(WireModel):
    """The position of a page in the list."""

    current_page: int
    total_pages: int
    count: int


class ScheduleList(WireModel):
    """A page of schedules, newest first."""

    data: list[ScheduleObject]
    pagination: SchedulePagination


class Timezones(BaseModel):
    """The IANA time zones, UTC first."""

    timezones: list[str]


def as_object(stored: StoredSchedule, now: datetime, language: Language) -> ScheduleObject:
    """The schedule, with a description of its cron and its first slot after ``now``."""
    return ScheduleObject(
        id=stored.id,
        type=stored.type,
        task=stored.task,
        active=stored.active,
        deduplication_key=stored.deduplication_key,
        external_id=stored.external_id,
        generator=ScheduleGenerator(expression=stored.cron, description=cron_text.describe(stored.cron, language)),
        timezone=stored.timezone,
        next_run=cron.next_slot(stored.schedule, now) if stored.active else None,
    )


def as_sdk_schedule(stored: StoredSchedule, language: Language) -> SdkSchedule:
    """The schedule as a part of the run that it created."""
    whole = ScheduleGenerator(expression=stored.cron, description=cron_text.describe(stored.cron, language))
    return SdkSchedule(
        id=stored.id,
        external_id=stored.external_id,
        deduplication_key=stored.deduplication_key,
        generator=whole.model_dump(),
    )


def _known_task(task: str) -> str:
    job = JOBS_BY_NAME.get(task)
    if job is None:
        known = ", ".join(sorted(JOBS))
        raise wrong_field("task", "literal_error", f"should be one of these: {known}", expected=known)
    return job.task
