from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payme.kit.errors import Conflict, OutcomeUnknown, ProviderRefused, ProviderUnavailable
from payme.runtime.database import DatabaseBusy, DatabaseUnavailable
from payme.runtime.jobs.errors import MalformedPayload, RetryLater, Superseded
from payme.runtime.jobs.outcomes import Bury, Leave, Retry, decide, describe
from payme.runtime.jobs.tasks import Backoff, Task

NOW = timedelta()


async def nothing(_: object) -> None:
    pass


def outcome(error: Exception, *, counted: int = 1, age: timedelta = NOW, **options: Any) -> object:
    return decide(error, Task("a.b", nothing, **options), counted=counted, age=age, chance=1.0)


@pytest.mark.parametrize(
    "error", [ProviderUnavailable("x"), DatabaseBusy("x"), DatabaseUnavailable("x"), TimeoutError(), KeyError("bug")]
)
def test_what_may_pass_is_tried_again(error: Exception) -> None:
    assert outcome(error) == Retry(timedelta(seconds=2))


@pytest.mark.parametrize("error", [Conflict(), ProviderRefused("x"), OutcomeUnknown("x"), MalformedPayload("x")])
def test_what_would_be_refused_again_is_buried_at_once(error: Exception) -> None:
    assert outcome(error) == Bury()


def test_a_job_may_ask_for_another_try_after_a_refusal() -> None:
    assert outcome(Conflict(), retry_on=(Conflict,)) == Retry(timedelta(seconds=2))


def test_a_handler_may_say_when() -> None:
    assert outcome(RetryLater("x", after=timedelta(seconds=7))) == Retry(timedelta(seconds=7))


@pytest.mark.parametrize("error", [ProviderUnavailable("x"), RetryLater("x", after=NOW)])
def test_nothing_is_tried_beyond_a_ceiling(error: Exception) -> None:
    assert outcome(error, counted=10) == Bury()
    assert outcome(error, age=timedelta(hours=24)) == Bury()
    assert outcome(error, counted=9, age=timedelta(hours=23)) != Bury()


@pytest.mark.parametrize("error", [DatabaseBusy("x"), DatabaseUnavailable("x")])
def test_the_failures_of_our_database_are_no_fault_of_the_job(error: Exception) -> None:
    assert outcome(error, counted=49) != Bury()
    assert outcome(error, counted=50) == Bury()
    assert outcome(error, age=timedelta(hours=24)) == Bury()
    assert outcome(error, counted=1, attempts=1) == Bury()


def test_an_attempt_that_was_overtaken_touches_nothing() -> None:
    assert outcome(Superseded("1"), counted=99) == Leave()


@given(st.integers(1, 1000), st.floats(0, 1))
def test_the_wait_is_jittered_and_bounded(attempts: int, chance: float) -> None:
    backoff = Backoff()
    assert timedelta() <= backoff.delay(attempts, chance) <= backoff.longest
    assert backoff.delay(attempts, 0.0) == timedelta()


def test_a_described_error_names_nobody() -> None:
    kind, message = describe(
        ValueError("call 254712345678 or jane@example.com, Bearer abc.def, passkey: hunter2, ws_9988")
    )
    assert kind == "ValueError"
    assert not any(word in message for word in ("254712345", "jane", "abc.def", "hunter2"))


def test_a_described_error_is_short() -> None:
    assert len(describe(ValueError("x" * 10_000))[1]) == 500
