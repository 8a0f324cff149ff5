"""The brake of a model's calls: cautious with an unknown limit, soon near a known one, and open in an outage."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from agenciaos_jobs.ai_content.pacing.headroom import duration, headroom
from agenciaos_jobs.engine.pacing.brake import OPEN_AFTER, PROBE_INTERVAL, RELEASE_PERIOD, START_BURST, Brake
from agenciaos_jobs.engine.pacing.headroom import Headroom

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def entered(brake: Brake, number: int, now: datetime = NOON) -> tuple[Brake, int]:
    """How many of so many new runs may call."""
    count = 0
    for place in range(number):
        after = brake.enter(f"run_{place}", is_released=False, now=now)
        if after is None:
            break
        brake, count = after, count + 1
    return brake, count


def test_of_a_volley_against_an_unknown_limit_a_few_go_first():
    brake, count = entered(Brake(NOON), 100)
    assert count == START_BURST
    for _ in range(10):
        brake = brake.passed(None, NOON + SECOND / 10)
    assert brake.rate == 20


def test_a_server_that_reports_ample_headroom_is_not_held_back():
    headers = {"x-ratelimit-limit-requests": "500", "x-ratelimit-remaining-requests": "499"}
    brake = Brake(NOON).passed(headroom({**headers, "x-ratelimit-reset-requests": "120ms"}, 800), NOON)
    assert brake.is_free(NOON)
    assert entered(brake, 1000)[1] == 1000


def test_a_server_that_reports_the_end_of_its_limit_is_paced_by_its_own_rate():
    headers = {"x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "3"}
    report = headroom({**headers, "x-ratelimit-reset-requests": "57s"}, 800)
    assert report == Headroom(3, 1, is_ample=False)
    brake, count = entered(Brake(NOON).passed(report, NOON), 100)
    assert (count, brake.rate) == (3, 1)


def test_a_server_whose_tokens_are_used_up_is_left_alone_until_one_more_call_fits():
    requests = {"x-ratelimit-limit-requests": "500", "x-ratelimit-remaining-requests": "499"}
    tokens = {
        "x-ratelimit-limit-tokens": "10000",
        "x-ratelimit-remaining-tokens": "0",
        "x-ratelimit-reset-tokens": "10s",
    }
    brake = Brake(NOON).passed(headroom({**requests, **tokens}, 2_000), NOON)
    assert entered(brake, 1)[1] == 0
    assert brake.paused_until == NOON + 2 * SECOND


def test_calls_under_way_when_the_rate_is_cut_do_not_cut_it_again():
    first = Brake(NOON).limited(NOON, SECOND, NOON + SECOND)
    assert first.rate == 2  # in whole seconds: half of one on average
    assert first.limited(NOON, SECOND, NOON + SECOND).rate == 2
    later = NOON + 3 * SECOND
    assert first.limited(later, SECOND, later).rate == 1.2


def test_after_a_refusal_nobody_calls_until_the_time_that_was_asked_for():
    brake = Brake(NOON).limited(NOON, 10 * SECOND, NOON)
    assert entered(brake, 1, NOON + 9 * SECOND)[1] == 0
    assert brake.enter("run_1", is_released=True, now=NOON + 9 * SECOND) is None
    assert brake.turns(NOON + 5 * SECOND, 10) == []
    turns = brake.turns(NOON + 9 * SECOND, 100)
    assert min(turns) > NOON + 10 * SECOND
    assert len(turns) == int(3 * (brake.rate or 0))


def test_several_failures_in_a_row_open_it_and_one_run_at_a_time_probes():
    brake = Brake(NOON)
    for _ in range(OPEN_AFTER):
        assert not brake.is_open
        brake = brake.failed(NOON)
    assert entered(brake, 1)[1] == 0
    assert brake.turns(NOON + 29 * SECOND, 10) == []
    later = NOON + PROBE_INTERVAL
    assert brake.turns(later, 10) == [later]
    probing = brake.released(["run_1"], later)
    assert probing.enter("run_2", is_released=True, now=later) is None
    assert probing.enter("run_1", is_released=True, now=later)
    assert probing.turns(later, 10) == []
    assert not probing.passed(None, later).is_open


def test_an_answer_in_between_keeps_it_closed():
    brake = Brake(NOON)
    for _ in range(OPEN_AFTER):
        brake = brake.failed(NOON).passed(None, NOON)
    assert not brake.is_open


@given(st.lists(st.sampled_from(["enter", "passed", "limited", "failed", "release", "wait"]), max_size=60))
def test_whatever_happens_runs_are_released_in_the_end(steps: list[str]):
    brake, now = Brake(NOON), NOON
    for step in steps:
        now += SECOND / 4
        match step:
            case "enter":
                brake = brake.enter("run_1", is_released=False, now=now) or brake
            case "passed":
                brake = brake.passed(None, now)
            case "limited":
                brake = brake.limited(now, None, now)
            case "failed":
                brake = brake.failed(now)
            case "release":
                turns = brake.turns(now, 5)
                assert all(now <= turn <= now + RELEASE_PERIOD for turn in turns)
                brake = brake.released([f"run_{place}" for place in range(len(turns))], now)
            case "wait":
                now += 10 * SECOND
        assert brake.rate is None or brake.rate > 0
    later = now + timedelta(minutes=2)
    assert brake.turns(later, 5)


@given(st.text())
def test_any_text_is_a_duration_or_none(text: str):
    found = duration(text)
    assert found is None or timedelta() <= found <= timedelta(hours=1)
