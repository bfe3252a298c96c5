"""Registering addresses: a state that exists is no error, the version is found, and a broken server is asked once more."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx2
import pytest

from payme.integrations.daraja import (
    C2bResponse,
    C2bUrls,
    C2bVersion,
    DarajaRefused,
    DarajaUnavailable,
    DarajaUnknown,
    InvalidCallbackUrl,
    InvalidRequest,
    Reason,
    UrlsRegistration,
    UrlsState,
    open_http_client,
)
from tests.contracts.gateway_client import NO_ANSWERS, THROTTLED, answering, client_of, erring, reset, sent
from tests.contracts.raw_gateway import RawGateway, Reply, http, saying

URLS = C2bUrls("600984", "http://127.0.0.1/d/6b1f/c", "http://127.0.0.1/d/6b1f/v")
ACCEPTED = answering(200, OriginatorCoversationID="1-2", ResponseCode="0", ResponseDescription="success")
ALREADY = erring(500, "500.003.1001", "Urls are already registered.")
OUTAGE = erring(500, "500.003.1001", "Service is currently unreachable. Please try again later.")
WRONG_VERSION = erring(401, "401.003.01", "Error Occurred - wrong product")
V2, V1 = "/mpesa/c2b/v2/registerurl", "/mpesa/c2b/v1/registerurl"


@pytest.fixture
async def pool() -> AsyncIterator[httpx2.AsyncClient]:
    async with open_http_client() as client:
        yield client


async def test_the_addresses_are_registered_under_version_two(pool: httpx2.AsyncClient):
    async with RawGateway([ACCEPTED]) as gateway:
        urls = replace(URLS, response_type=C2bResponse.CANCELLED)
        registration = await client_of(pool, gateway).register_c2b_urls(urls)
    assert registration == UrlsRegistration(UrlsState.REGISTERED, C2bVersion.V2)
    (call,) = gateway.calls
    assert call.path == V2
    assert sent(call) == {
        "ShortCode": "600984",
        "ResponseType": "Cancelled",
        "ConfirmationURL": URLS.confirmation_url,
        "ValidationURL": URLS.validation_url,
    }


async def test_addresses_that_stand_there_already_are_a_state_and_asked_for_once(pool: httpx2.AsyncClient):
    async with RawGateway([ALREADY]) as gateway:
        registration = await client_of(pool, gateway).register_c2b_urls(URLS)
    assert registration == UrlsRegistration(UrlsState.ALREADY_REGISTERED, C2bVersion.V2)
    assert len(gateway.calls) == 1


async def test_an_app_of_version_one_is_registered_there(pool: httpx2.AsyncClient):
    async with RawGateway([WRONG_VERSION, ACCEPTED]) as gateway:
        registration = await client_of(pool, gateway).register_c2b_urls(URLS)
    assert registration == UrlsRegistration(UrlsState.REGISTERED, C2bVersion.V1)
    assert [call.path for call in gateway.calls] == [V2, V1]


async def test_two_wrong_versions_are_a_refusal(pool: httpx2.AsyncClient):
    async with RawGateway([WRONG_VERSION]) as gateway:
        with pytest.raises(DarajaRefused) as refusal:
            await client_of(pool, gateway).register_c2b_urls(URLS)
    assert refusal.value.error_code == "401.003.01"
    assert [call.path for call in gateway.calls] == [V2, V1]


async def test_a_broken_server_is_asked_once_more(pool: httpx2.AsyncClient):
    async with RawGateway([OUTAGE, ACCEPTED]) as gateway:
        registration = await client_of(pool, gateway).register_c2b_urls(URLS)
    assert registration.state is UrlsState.REGISTERED
    assert [call.path for call in gateway.calls] == [V2, V2]


@pytest.mark.parametrize("reply", [OUTAGE, saying(http(503, b"<html>Incapsula</html>")), saying(http(500, b""))])
async def test_a_server_that_stays_broken_leaves_it_unknown(reply: Reply, pool: httpx2.AsyncClient):
    async with RawGateway([reply]) as gateway:
        with pytest.raises(DarajaUnknown):
            await client_of(pool, gateway).register_c2b_urls(URLS)
    assert len(gateway.calls) == 2


@pytest.mark.parametrize("reply", [NO_ANSWERS["silence"], reset])
async def test_without_any_answer_it_is_unknown_and_asked_once(reply: Reply, pool: httpx2.AsyncClient):
    async with RawGateway([reply]) as gateway:
        with pytest.raises(DarajaUnknown):
            await client_of(pool, gateway).register_c2b_urls(URLS)
        assert len(gateway.calls) == 1


async def test_a_shortcode_of_the_old_platform_is_refused_with_its_own_code(pool: httpx2.AsyncClient):
    old = erring(500, "500.003.1001", "Duplicate notification info, SP ID is 1, correlator is 2")
    async with RawGateway([old]) as gateway:
        with pytest.raises(DarajaRefused) as refusal:
            await client_of(pool, gateway).register_c2b_urls(URLS)
    assert (refusal.value.code, refusal.value.reason) == ("daraja.on_old_platform", Reason.CONFIG)
    assert len(gateway.calls) == 1


@pytest.mark.parametrize("reply", [answering(429, **THROTTLED), erring(500, "500.003.02", "System is busy")])
async def test_a_busy_gateway_is_left_alone(reply: Reply, pool: httpx2.AsyncClient):
    async with RawGateway([reply]) as gateway:
        with pytest.raises(DarajaUnavailable) as fault:
            await client_of(pool, gateway).register_c2b_urls(URLS)
    assert fault.value.retry_after_seconds
    assert len(gateway.calls) == 1


async def test_a_bad_word_in_an_address_is_refused_before_and_by_safaricom(pool: httpx2.AsyncClient):
    refused = erring(400, "400.003.02", "Bad Request - Invalid ValidationURL - URL has the word MPESA")
    async with RawGateway([refused]) as gateway:
        for name in ("confirmation_url", "validation_url"):
            with pytest.raises(InvalidCallbackUrl):
                await client_of(pool, gateway).register_c2b_urls(replace(URLS, **{name: "http://127.0.0.1/mpesa"}))
        assert gateway.seen == []
        with pytest.raises(DarajaRefused):
            await client_of(pool, gateway).register_c2b_urls(URLS)


def test_a_shortcode_has_five_to_seven_digits():
    with pytest.raises(InvalidRequest):
        replace(URLS, shortcode="6009")
