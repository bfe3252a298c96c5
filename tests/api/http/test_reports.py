"""Unexpected errors of the API reach a server that speaks Sentry's protocol, once each, and with nothing of anybody in them."""

from collections.abc import Callable, Iterator

import httpx2
import pytest

from payme.runtime.observability import ReportOptions, TimedRequests, start_reports, stop_reports
from tests.api.http.shelf import Doorman
from tests.sentry_server import SentryServer

MakeClient = Callable[..., httpx2.AsyncClient]
PLANTED = (
    "0712345678",
    "254712345678",
    "712345678",
    "WANJIKU",
    "90417263",
    "pk_live_abcdefgh",
    "eyJhbGciOi",
    "passkey-of-a-shop",
)


@pytest.fixture
def server() -> Iterator[SentryServer]:
    with SentryServer() as running:
        yield running
        stop_reports()


def options(server: SentryServer, **more: float) -> ReportOptions:
    return ReportOptions(server.dsn, "test", "abc1234", **more)


async def provoke(client: httpx2.AsyncClient, how: str) -> httpx2.Response:
    headers = {
        "x-request-id": "till-7.retry-1",
        "cookie": "payme_session=eyJhbGciOi.payload.mark",
        "x-api-key": "pk_live_abcdefgh",
        "user-agent": "WANJIKU's phone 254712345678",
    }
    return await client.request("GET", f"/v1/broken/{how}?msisdn=254712345678&pin=90417263", headers=headers)


async def test_an_unexpected_error_is_reported_once_with_its_request(
    make_client: MakeClient, doorman: Doorman, server: SentryServer
) -> None:
    start_reports(options(server))
    answer = await provoke(make_client(), "bug")
    assert answer.status_code == 500
    stop_reports()
    (event,) = server.wait_for("event")
    assert event["tags"] == {"request_id": "till-7.retry-1", "route": "/v1/broken/{how}", "method": "GET"}
    assert (event["environment"], event["release"]) == ("test", "abc1234")
    (error,) = event["exception"]["values"]
    assert error["type"] == "RuntimeError"
    assert any(frame["function"] == "broken" for frame in error["stacktrace"]["frames"])
    sent = b"".join(server.bodies).decode()
    assert [each for each in PLANTED if each in sent] == []
    assert "vars" not in sent
    assert "context_line" not in sent


@pytest.mark.parametrize("how", ["locked", "provider", "busy"])
async def test_what_is_expected_is_not_reported(make_client: MakeClient, server: SentryServer, how: str) -> None:
    start_reports(options(server))
    assert (await provoke(make_client(), how)).status_code != 500
    stop_reports()
    assert server.bodies == []


async def test_requests_are_timed_under_the_name_of_their_route(
    make_app: Callable[..., object], make_client: MakeClient, server: SentryServer
) -> None:
    start_reports(options(server, traces_sample_rate=1.0, profiles_sample_rate=1.0))
    app = TimedRequests(make_app())
    await provoke(make_client(app), "bug")
    await make_client(app).get("/v1/nothing-of/254712345678")
    stop_reports()
    names = {each["transaction"] for each in server.wait_for("transaction", 2)}
    assert names == {"GET /v1/broken/{how}", "GET unknown"}
    sent = b"".join(server.bodies).decode()
    assert [each for each in PLANTED if each in sent] == []


async def test_a_server_that_is_away_changes_nothing(make_client: MakeClient) -> None:
    start_reports(ReportOptions("http://public-key@127.0.0.1:9/7", "test", "abc1234"))
    try:
        assert (await provoke(make_client(), "bug")).status_code == 500
    finally:
        stop_reports()
