"""mpesakit, a Daraja client that others wrote, against the simulator: what it takes for Daraja, the simulator has to be.

Its parsers of push, query and callback were made from what the wire showed; where it reads more into an answer than the wire
says, the test says so. Its address is a constant; where it points is the one thing changed here.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from mpesakit.auth import AsyncTokenManager
from mpesakit.errors import MpesaApiException
from mpesakit.http_client import MpesaAsyncHttpClient
from mpesakit.mpesa_express import (
    AsyncStkPush,
    StkPushQueryRequest,
    StkPushQueryResponse,
    StkPushSimulateCallback,
    StkPushSimulateRequest,
    TransactionType,
)

from tests.contracts.simulator.conftest import NOON, PASSKEY_174379, SEED, STAMP
from tests.simulator import CallbackReceiver, SimulatorProcess

PHONE = "2547112223"
PAID, POOR, CANCELLED, UNREACHABLE, WRONG_PIN, MIXED_UP, NOBODY = "00", "01", "32", "37", "20", "03", "55"
KEY, SECRET = "payme-demo-key", "payme-demo-secret"


class ToTheSimulator(MpesaAsyncHttpClient):
    """mpesakit's own client at another address; it resolves one of two that it knows."""

    def __init__(self, base_url: str) -> None:
        self._simulator = base_url
        super().__init__()

    def _resolve_base_url(self, env: str) -> str:
        return self._simulator


@dataclass
class Merchant:
    """A shop that was built on mpesakit."""

    stk: AsyncStkPush
    callback_url: str

    async def push(self, suffix: str, **changes: Any) -> str:
        asked = {
            "BusinessShortCode": 174379, "Passkey": PASSKEY_174379, "Timestamp": STAMP, "Amount": 300,
            "TransactionType": TransactionType.CUSTOMER_PAYBILL_ONLINE, "PartyA": PHONE + suffix, "PartyB": "174379",
            "PhoneNumber": PHONE + suffix, "CallBackURL": self.callback_url, "AccountReference": "INV-42",
            "TransactionDesc": "Duka 7",
        }  # fmt: skip
        answer = await self.stk.push(StkPushSimulateRequest(**{**asked, **changes}))
        assert answer.is_successful()
        assert answer.ResponseCode == 0
        return answer.CheckoutRequestID

    async def query(self, checkout_id: str) -> StkPushQueryResponse:
        asked = {"BusinessShortCode": 174379, "Passkey": PASSKEY_174379, "Timestamp": STAMP}
        return await self.stk.query(StkPushQueryRequest(**asked, CheckoutRequestID=checkout_id))


@pytest.fixture(scope="module")
def running() -> Any:
    with SimulatorProcess("--seed", str(SEED), "--frozen") as simulator:
        yield simulator


@pytest.fixture
async def simulator(running: SimulatorProcess) -> SimulatorProcess:
    await running.control.reset(seed=SEED, now=NOON, frozen=True)
    await running.control.settings(query_limit=False)
    return running


@pytest.fixture
def receiver() -> Any:
    with CallbackReceiver() as receiver:
        yield receiver


@pytest.fixture
async def merchant(simulator: SimulatorProcess, receiver: CallbackReceiver) -> AsyncIterator[Merchant]:
    async with ToTheSimulator(simulator.base_url) as client:
        tokens = AsyncTokenManager(consumer_key=KEY, consumer_secret=SECRET, http_client=client)
        yield Merchant(AsyncStkPush(http_client=client, token_manager=tokens), receiver.url())


async def refused(work: Any) -> tuple[int | None, Any]:
    with pytest.raises(MpesaApiException) as caught:
        await work
    return caught.value.error.status_code, caught.value.error.raw_response


async def test_a_token_is_had_and_kept_for_as_long_as_it_lives(merchant: Merchant, simulator: SimulatorProcess):
    tokens = merchant.stk.token_manager
    first = await tokens.get_token()
    assert len(first) == 28
    assert await tokens.get_token() == first
    assert tokens._access_token is not None
    assert tokens._access_token.expiration_time == 3599
    assert await tokens.get_token(force_refresh=True) != first


async def test_wrong_credentials_are_a_400_with_nothing_in_it(merchant: Merchant):
    tokens = merchant.stk.token_manager
    tokens.consumer_secret = "another"
    with pytest.raises(MpesaApiException) as caught:
        await tokens.get_token()
    assert caught.value.error_code == "AUTH_INVALID_CREDENTIALS"


async def test_a_token_that_nobody_gave_is_refused_with_404(merchant: Merchant):
    await merchant.stk.token_manager.get_token()
    kept = merchant.stk.token_manager._access_token
    assert kept is not None
    kept.token = "nobody-gave-this-one-away-28"
    status, said = await refused(merchant.push(PAID))
    assert (status, said["errorCode"], said["errorMessage"]) == (404, "404.001.03", "Invalid Access Token")


@pytest.mark.parametrize(
    ("changes", "status", "code", "message"),
    [
        ({"Amount": 0}, 400, "400.002.02", "Bad Request - Invalid Amount"),
        ({"Amount": 250_001}, 400, "400.002.02", "Bad Request - Invalid Amount"),
        ({"PartyA": "254811222300"}, 400, "400.002.02", "Bad Request - Invalid PartyA"),
        ({"CallBackURL": "https://mpesa.example.co.ke/x"}, 400, "400.002.02", "Bad Request - Invalid CallBackURL"),
        ({"CallBackURL": "not an address"}, 400, "400.002.02", "Bad Request - Invalid CallBackURL"),
        ({"TransactionDesc": ""}, 400, "400.002.02", "Bad Request - Invalid Remarks"),
        ({"Timestamp": "20261340999999"}, 400, "400.002.02", "Bad Request - Invalid Timestamp"),
        ({"Passkey": "another"}, 500, "500.001.1001", "Wrong credentials"),
        ({"BusinessShortCode": 999_999}, 500, "500.001.1001", "Merchant does not exist"),
    ],
)
async def test_a_push_is_refused_in_the_words_of_the_wire(
    merchant: Merchant, changes: dict[str, Any], status: int, code: str, message: str
):
    refusal, said = await refused(merchant.push(PAID, **changes))
    assert (refusal, said["errorCode"], said["errorMessage"]) == (status, code, message)
    assert said["requestId"]


async def test_a_second_prompt_on_one_phone_is_refused_while_the_first_is_open(merchant: Merchant):
    await merchant.push(NOBODY)
    status, said = await refused(merchant.push(NOBODY))
    assert (status, said["errorCode"]) == (500, "500.001.1001")
    assert said["errorMessage"].startswith("Unable to lock subscriber")


async def test_an_open_prompt_is_still_under_processing(merchant: Merchant, simulator: SimulatorProcess):
    checkout_id = await merchant.push(NOBODY)
    await simulator.control.advance(5)
    answer = await merchant.query(checkout_id)
    assert (str(answer.ResultCode), answer.ResultDesc) == ("4999", "The transaction is still under processing")
    # mpesakit calls this successful, because it looks at whether the question was accepted; money moves with a result of 0 only.
    assert answer.is_successful()


async def test_the_older_shape_of_pending_is_an_error_of_500(merchant: Merchant, simulator: SimulatorProcess):
    await simulator.control.settings(pending_as_500=True)
    checkout_id = await merchant.push(NOBODY)
    await simulator.control.advance(5)
    status, said = await refused(merchant.query(checkout_id))
    assert (status, said["errorCode"], said["errorMessage"]) == (
        500,
        "500.001.1001",
        "The transaction is being processed",
    )


async def test_a_payment_is_told_by_callback_and_query(
    merchant: Merchant, simulator: SimulatorProcess, receiver: CallbackReceiver
):
    checkout_id = await merchant.push(PAID)
    await simulator.control.advance(10)
    told = StkPushSimulateCallback.model_validate_json((await receiver.next()).raw)
    assert told.is_successful
    assert told.Body.stkCallback.CheckoutRequestID == checkout_id
    assert (told.amount, told.phone_number) == (300.0, PHONE + PAID)
    assert told.mpesa_receipt_number is not None
    assert len(told.mpesa_receipt_number) == 10
    assert told.transaction_date is not None
    assert told.transaction_date.startswith("20261122")
    assert told.balance is None, "the item is there, and has no value"
    metadata = told.Body.stkCallback.CallbackMetadata
    assert metadata is not None
    assert "Balance" in [item.Name for item in metadata.Item]
    answer = await merchant.query(checkout_id)
    assert (str(answer.ResultCode), answer.CheckoutRequestID) == ("0", checkout_id)


@pytest.mark.parametrize(
    ("suffix", "code"),
    [(POOR, "1"), (CANCELLED, "1032"), (UNREACHABLE, "1037"), (WRONG_PIN, "2001"), (MIXED_UP, "SFC_IC0003")],
)
async def test_a_failure_is_told_by_callback_and_query(
    merchant: Merchant, simulator: SimulatorProcess, receiver: CallbackReceiver, suffix: str, code: str
):
    checkout_id = await merchant.push(suffix)
    await simulator.control.advance(120)
    told = StkPushSimulateCallback.model_validate_json((await receiver.next()).raw)
    assert not told.is_successful
    assert str(told.Body.stkCallback.ResultCode) == code
    assert told.Body.stkCallback.CallbackMetadata is None
    assert (told.amount, told.mpesa_receipt_number) == (None, None)
    answer = await merchant.query(checkout_id)
    assert (str(answer.ResultCode), answer.ResultDesc) == (code, told.Body.stkCallback.ResultDesc)


async def test_the_person_at_the_phone_types_a_wrong_pin(
    merchant: Merchant, simulator: SimulatorProcess, receiver: CallbackReceiver
):
    checkout_id = await merchant.push(NOBODY)
    await simulator.control.wallet(PHONE + NOBODY, pin="4321")
    await simulator.control.answer(checkout_id, "pin", "1111")
    told = StkPushSimulateCallback.model_validate_json((await receiver.next()).raw)
    assert (told.is_successful, told.Body.stkCallback.ResultCode) == (False, 2001)


async def test_a_prompt_that_never_was_is_an_error_of_500(merchant: Merchant):
    status, said = await refused(merchant.query("ws_CO_22112026120000000711222300"))
    assert (status, said["errorMessage"]) == (500, "The transaction does not Exist")


async def test_too_many_questions_are_a_fault_without_an_error_code(merchant: Merchant, simulator: SimulatorProcess):
    await simulator.control.settings(query_limit=True)
    checkout_id = await merchant.push(NOBODY)
    await simulator.control.advance(5)
    await merchant.query(checkout_id)
    status, said = await refused(merchant.query(checkout_id))
    assert status == 429
    assert said["fault"]["detail"]["errorcode"] == "policies.ratelimit.SpikeArrestViolation"
