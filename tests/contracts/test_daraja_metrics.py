"""Every call to Safaricom is counted once, by its product and by what came of it; a product that rests is seen to rest."""

from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from payme.integrations.daraja import (
    Breaker,
    BreakerRules,
    CollectionAccount,
    DarajaRefused,
    DarajaUnavailable,
    DarajaUnknown,
    ShortcodeKind,
    StkPush,
    open_http_client,
)
from tests.contracts.gateway_client import NO_ANSWERS, START, answering, client_of, erring
from tests.contracts.raw_gateway import RawGateway, Reply

PAYBILL = CollectionAccount(ShortcodeKind.PAYBILL, "174379", passkey="pass-key")
PUSH = StkPush(PAYBILL, "254708374100", 100_00, "http://127.0.0.1/d/6b1f/stk", "INV-42", "Duka 7")
OUTCOMES = ("accepted", "refused", "unheard", "unsent", "unknown", "resting")


def counted(product: str) -> dict[str, float]:
    labels = ({"product": product, "outcome": outcome} for outcome in OUTCOMES)
    return {each["outcome"]: REGISTRY.get_sample_value("payme_daraja_calls_total", each) or 0 for each in labels}


def timed(product: str) -> float:
    return REGISTRY.get_sample_value("payme_daraja_call_seconds_count", {"product": product}) or 0


def rests_until(product: str) -> float:
    return REGISTRY.get_sample_value("payme_daraja_rests_until_seconds", {"product": product}) or 0


@pytest.mark.parametrize(
    ("reply", "outcome", "fault"),
    [
        (answering(200, MerchantRequestID="m", CheckoutRequestID="ws_CO_1", ResponseCode="0"), "accepted", None),
        (erring(400, "400.002.02", "Bad Request - Invalid PhoneNumber"), "refused", DarajaRefused),
        (NO_ANSWERS["a firewall's page"], "unheard", DarajaUnknown),
        (NO_ANSWERS["reset"], "unknown", DarajaUnknown),
    ],
)
async def test_a_call_counts_once_under_what_came_of_it(
    reply: Reply, outcome: str, fault: type[Exception] | None
) -> None:
    before, calls = counted("stkpush"), timed("stkpush")
    async with open_http_client() as pool, RawGateway([reply]) as gateway:
        client = client_of(pool, gateway)
        if fault is None:
            await client.stk_push(PUSH)
        else:
            with pytest.raises(fault):
                await client.stk_push(PUSH)
    assert counted("stkpush") == {**before, outcome: before[outcome] + 1}
    assert timed("stkpush") == calls + 1


async def test_a_call_that_never_left_counts_as_unsent() -> None:
    before = counted("stkpush")
    async with open_http_client() as pool:
        async with RawGateway([NO_ANSWERS["silence"]]) as gateway:
            client = client_of(pool, gateway)
        with pytest.raises(DarajaUnavailable):
            await client.stk_push(PUSH)
    assert counted("stkpush") == {**before, "unsent": before["unsent"] + 1}


async def test_a_call_whose_token_is_refused_counts_as_refused() -> None:
    before = counted("stkpush")
    refusal = erring(400, "400.008.01", "Invalid Authentication passed")
    async with open_http_client() as pool, RawGateway([], token_reply=refusal) as gateway:
        client = client_of(pool, gateway)
        with pytest.raises(DarajaRefused):
            await client.stk_push(PUSH)
    assert counted("stkpush") == {**before, "refused": before["refused"] + 1}


async def test_a_product_that_rests_is_shown_until_it_answers_again() -> None:
    breaker = Breaker(BreakerRules(failures=2, rest_seconds=20))
    before = counted("b2c")["resting"]
    await breaker.missed("b2c", START)
    assert rests_until("b2c") == 0
    await breaker.missed("b2c", START)
    assert rests_until("b2c") == START.timestamp() + 20
    with pytest.raises(DarajaUnavailable):
        breaker.admit("b2c", START + timedelta(seconds=1))
    assert counted("b2c")["resting"] == before + 1
    breaker.admit("b2c", START + timedelta(seconds=20))
    await breaker.heard("b2c")
    assert rests_until("b2c") == 0
