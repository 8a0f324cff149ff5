"""The clock that follows the database's."""

from datetime import timedelta

from agenciaos_jobs.foundation.clock import SystemClock


def test_the_clock_follows_the_database_s_and_ignores_small_differences():
    clock = SystemClock()
    before = clock.now()
    clock.follow(before + timedelta(milliseconds=50), before, before)
    assert clock.now() - before < timedelta(seconds=1)
    clock.follow(before + timedelta(minutes=1), before, before)
    assert timedelta(seconds=59) < clock.now() - before < timedelta(seconds=62)


def test_the_clock_follows_no_answer_that_came_too_late_to_tell():
    clock = SystemClock()
    asked_at = clock.now()
    answered_at = asked_at + timedelta(seconds=8)
    # What a process sees that was frozen after, or before, the database had answered; a reading cuts microseconds off.
    for reference in (asked_at, answered_at + timedelta(microseconds=999)):
        clock.follow(reference, asked_at, answered_at)
        assert clock.now() - asked_at < timedelta(seconds=1)
    clock.follow(answered_at + timedelta(minutes=1), asked_at, answered_at)
    assert timedelta(seconds=63) < clock.now() - asked_at < timedelta(seconds=66)
