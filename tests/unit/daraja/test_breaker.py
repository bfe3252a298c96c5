"""A product that is down is left alone, and tried by one call at a time."""

from datetime import UTC, datetime, timedelta

import pytest

from payme.integrations.daraja import Breaker, BreakerRules, DarajaUnavailable
from payme.integrations.daraja.answers import read_answer
from payme.integrations.daraja.breaker import product_of

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
REST = timedelta(seconds=20)


def seconds(count: int) -> datetime:
    return NOON + timedelta(seconds=count)


class Told:
    def __init__(self) -> None:
        self.news: list[tuple[str, datetime | None]] = []

    async def tell(self, product: str, until: datetime | None) -> None:
        self.news.append((product, until))


async def broken() -> tuple[Breaker, Told]:
    told = Told()
    breaker = Breaker(BreakerRules(failures=3, rest_seconds=20), told.tell)
    for _ in range(3):
        breaker.admit("stkpush", NOON)
        await breaker.missed("stkpush", NOON)
    return breaker, told


async def test_it_rests_after_failures_in_a_row_and_says_for_how_long() -> None:
    breaker, told = await broken()
    with pytest.raises(DarajaUnavailable) as refusal:
        breaker.admit("stkpush", seconds(5))
    assert (refusal.value.code, refusal.value.retry_after_seconds) == ("daraja.resting", 16)
    assert told.news == [("stkpush", NOON + REST)]


async def test_another_product_goes_on() -> None:
    breaker, _ = await broken()
    breaker.admit("stkpushquery", seconds(1))


async def test_an_answer_in_between_begins_the_count_anew() -> None:
    told = Told()
    breaker = Breaker(BreakerRules(failures=3, rest_seconds=20), told.tell)
    for _ in range(2):
        await breaker.missed("b2c", NOON)
    await breaker.heard("b2c")
    for _ in range(2):
        await breaker.missed("b2c", NOON)
    breaker.admit("b2c", NOON)
    assert told.news == []


async def test_after_the_rest_one_call_tries_and_the_others_wait_for_it() -> None:
    breaker, _ = await broken()
    breaker.admit("stkpush", seconds(20))
    with pytest.raises(DarajaUnavailable):
        breaker.admit("stkpush", seconds(21))


async def test_a_trial_that_fails_makes_it_rest_again_and_one_that_is_answered_ends_it() -> None:
    breaker, told = await broken()
    breaker.admit("stkpush", seconds(20))
    await breaker.missed("stkpush", seconds(25))
    with pytest.raises(DarajaUnavailable):
        breaker.admit("stkpush", seconds(44))
    breaker.admit("stkpush", seconds(45))
    await breaker.heard("stkpush")
    breaker.admit("stkpush", seconds(45))
    breaker.admit("stkpush", seconds(45))
    assert told.news == [("stkpush", NOON + REST), ("stkpush", seconds(45)), ("stkpush", None)]


async def test_without_a_number_of_failures_it_never_rests() -> None:
    breaker = Breaker(BreakerRules(failures=0))
    for _ in range(50):
        await breaker.missed("stkpush", NOON)
    breaker.admit("stkpush", NOON)


@pytest.mark.parametrize(
    ("status", "body", "is_heard"),
    [
        (200, b'{"ResponseCode": "0"}', True),
        (400, b'{"errorCode": "400.002.02", "errorMessage": "Bad Request - Invalid PhoneNumber"}', True),
        (500, b'{"errorCode": "500.001.1001", "errorMessage": "Unable to lock subscriber"}', True),
        (429, b'{"fault": {"faultstring": "Spike arrest violation"}}', True),
        (503, b'{"errorCode": "500.003.1001", "errorMessage": "Service is currently unreachable."}', False),
        (500, b'{"errorCode": "00.002.1001", "errorMessage": "Maintenance"}', False),
        (200, b"<html>Incapsula</html>", False),
        (403, b"<html>Forbidden</html>", False),
        (400, b"", False),
    ],
)
def test_who_answered(status: int, body: bytes, is_heard: bool) -> None:
    assert read_answer(status, body).is_from_mpesa is is_heard


@pytest.mark.parametrize(
    ("path", "product"),
    [
        ("/mpesa/stkpush/v1/processrequest", "stkpush"),
        ("/mpesa/stkpushquery/v1/query", "stkpushquery"),
        ("/mpesa/b2c/v3/paymentrequest", "b2c"),
        ("/pulltransactions/v1/query", "pulltransactions"),
    ],
)
def test_a_path_names_its_product(path: str, product: str) -> None:
    assert product_of(path) == product
