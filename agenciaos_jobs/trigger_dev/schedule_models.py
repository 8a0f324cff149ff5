"""Schedules as Trigger.dev's SDKs write and read them."""

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
from agenciaos_jobs.trigger_dev.options import WireModel
from agenciaos_jobs.trigger_dev.run_models import SdkSchedule


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
    """What to run when. The zone is UTC where none is given; ``externalId`` comes back in the runs' payloads."""

    task: str
    cron: Cron = Field(examples=["0 6 1 * *"])
    timezone: Timezone = Field(default="UTC", examples=["America/Sao_Paulo"])
    external_id: ExternalId | None = None

    @property
    def wanted(self) -> Wanted:
        return Wanted(_known_task(self.task), Schedule(self.cron, self.timezone), self.external_id)


class ScheduleCreation(ScheduleUpdate):
    """A second one with the same ``deduplicationKey`` changes the first."""

    deduplication_key: Annotated[str, StringConstraints(min_length=1, max_length=512)]


class ScheduleGenerator(WireModel):
    """When: as an expression, and in words."""

    type: str = "CRON"
    expression: str
    description: str


class ScheduleEnvironment(WireModel):
    """Where the schedule is; there is one environment."""

    id: str = "env_agenciaos"
    type: str = "PRODUCTION"


class ScheduleObject(WireModel):
    """A schedule. A DECLARATIVE one stands in a job's own code; ``nextRun`` is left out while it is not active."""

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
    """The schedule that was deleted."""

    id: str


class Page(WireModel):
    """Pages are counted from 1."""

    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    per_page: Annotated[int, Field(ge=1, le=100)] = 50


class SchedulePagination(WireModel):
    """Where in the list a page is."""

    current_page: int
    total_pages: int
    count: int


class ScheduleList(WireModel):
    """A page of the schedules, the newest first."""

    data: list[ScheduleObject]
    pagination: SchedulePagination


class Timezones(BaseModel):
    """The IANA zones, UTC first."""

    timezones: list[str]


def as_object(stored: StoredSchedule, now: datetime, language: Language) -> ScheduleObject:
    """The schedule, with its time told in words and the first slot after ``now``."""
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


def as_maker(stored: StoredSchedule, language: Language) -> SdkSchedule:
    """The schedule as a run tells of it."""
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
        there_are = ", ".join(sorted(JOBS))
        raise wrong_field("task", "literal_error", f"should be one of these: {there_are}", expected=there_are)
    return job.task
