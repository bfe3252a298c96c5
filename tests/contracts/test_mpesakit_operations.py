"""mpesakit, a Daraja client that others wrote, beyond prompts: C2B registration, payouts, balance, status, reversal, QR.

What it sends is taken as Daraja takes it. What it cannot read of what comes back is a known fault of its parsers, named in
the docstring of the test that meets it; the simulator says what the wire says, and the test reads the raw body instead.
Its maker of security credentials appends the time to the password, so that no provider could ever find it right; credentials
here are encrypted the documented way.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from mpesakit.account_balance import AccountBalanceRequest, AccountBalanceResultCallback, AsyncAccountBalance
from mpesakit.auth import AsyncTokenManager
from mpesakit.b2c import AsyncB2C, B2CRequest, B2CResultCallback
from mpesakit.business_buy_goods import (
    AsyncBusinessBuyGoods,
    BusinessBuyGoodsRequest,
    BusinessBuyGoodsResultCallback,
)
from mpesakit.c2b import AsyncC2B, C2BRegisterUrlRequest, C2BValidationRequest
from mpesakit.dynamic_qr_code import AsyncDynamicQRCode, DynamicQRGenerateRequest
from mpesakit.errors import MpesaApiException
from mpesakit.mpesa_ratiba import AsyncMpesaRatiba, StandingOrderRequest
from mpesakit.reversal import AsyncReversal, ReversalRequest, ReversalResultCallback
from mpesakit.security import generate_security_credential
from mpesakit.transaction_status import (
    AsyncTransactionStatus,
    TransactionStatusRequest,
    TransactionStatusResultCallback,
)
from pydantic import ValidationError

from tests.contracts.simulator.conftest import NOON, SEED
from tests.contracts.test_mpesakit import KEY, SECRET, ToTheSimulator
from tests.simulator import CallbackReceiver, Received, SimulatorProcess

PAYBILL, PAYER, RECIPIENT = "650880", "254711222355", "254705912645"


@dataclass
class Operator:
    """A shop that was built on mpesakit, and the credential of its operator."""

    client: dict[str, Any]
    simulator: SimulatorProcess
    receiver: CallbackReceiver
    credential: str

    def fields(self, **changes: Any) -> dict[str, Any]:
        own = {
            "Initiator": "testapi",
            "SecurityCredential": self.credential,
            "PartyA": int(PAYBILL),
            "Remarks": "a remark",
            "ResultURL": self.receiver.url(kind="result"),
            "QueueTimeOutURL": self.receiver.url(kind="timeout"),
        }
        return own | changes

    async def told(self) -> Received:
        await self.simulator.control.advance(3)
        return await self.receiver.next()


@pytest.fixture(scope="module")
def running() -> Iterator[SimulatorProcess]:
    with SimulatorProcess("--seed", str(SEED), "--frozen") as simulator:
        yield simulator


@pytest.fixture
async def operator(running: SimulatorProcess) -> AsyncIterator[Operator]:
    await running.control.reset(seed=SEED, now=NOON, frozen=True)
    for account in ("Utility Account", "Working Account"):
        await running.control.deposit(PAYBILL, 1000_00, account)
    async with ToTheSimulator(running.base_url) as http_client:
        tokens = AsyncTokenManager(consumer_key=KEY, consumer_secret=SECRET, http_client=http_client)
        with CallbackReceiver() as receiver:
            client = {"http_client": http_client, "token_manager": tokens}
            yield Operator(client, running, receiver, await running.control.credential())


async def pay_person(operator: Operator, **changes: Any) -> Any:
    fields = operator.fields(
        InitiatorName="testapi",
        OriginatorConversationID="pay-1",
        CommandID="BusinessPayment",
        Amount=10,
        PartyB=RECIPIENT,
    )
    return await AsyncB2C(**operator.client).send_payment(B2CRequest(**(fields | changes)))


async def test_urls_are_registered_and_a_confirmation_is_read(operator: Operator):
    urls = {"ConfirmationURL": operator.receiver.url(kind="c"), "ValidationURL": operator.receiver.url(kind="v")}
    request = C2BRegisterUrlRequest(ShortCode=int(PAYBILL), ResponseType="Completed", **urls)
    assert (await AsyncC2B(**operator.client).register_url(request)).is_successful()
    paid = await operator.simulator.control.pay(PAYER, PAYBILL, 300, reference="INV-42")
    read = C2BValidationRequest.model_validate_json((await operator.receiver.next()).raw)
    assert (read.TransID, read.TransAmount, read.BillRefNumber) == (paid["receipt"], 300.0, "INV-42")
    assert (read.BusinessShortCode, len(str(read.MSISDN))) == (int(PAYBILL), 64)


async def test_registering_twice_in_production_is_an_error_of_500(operator: Operator):
    await operator.simulator.control.settings(register_once=True)
    urls = {"ConfirmationURL": operator.receiver.url(kind="c"), "ValidationURL": operator.receiver.url(kind="v")}
    request = C2BRegisterUrlRequest(ShortCode=int(PAYBILL), ResponseType="Completed", **urls)
    await AsyncC2B(**operator.client).register_url(request)
    with pytest.raises(MpesaApiException) as caught:
        await AsyncC2B(**operator.client).register_url(request)
    assert caught.value.error.status_code == 500
    assert caught.value.error.raw_response["errorMessage"] == "Urls are already registered."  # pyright: ignore[reportOptionalSubscript] # an error of HTTP has its answer


async def test_a_person_is_paid(operator: Operator):
    """Its B2CResultMetadata wants ResultParameters to be a list; on the wire the list is one level deeper."""
    answer = await pay_person(operator)
    assert answer.is_successful()
    assert answer.OriginatorConversationID == "pay-1"
    told = await operator.told()
    assert (told.result["ResultCode"], told.parameters["TransactionAmount"]) == (0, 10)
    with pytest.raises(ValidationError, match="ResultParameters"):
        B2CResultCallback.model_validate_json(told.raw)


async def test_a_failed_payment_is_read(operator: Operator):
    await pay_person(operator, Amount=1001)
    read = B2CResultCallback.model_validate_json((await operator.told()).raw)
    assert (read.is_successful(), read.Result.ResultCode) == (False, 1)


async def test_a_duplicate_is_an_error_of_500(operator: Operator):
    await pay_person(operator)
    with pytest.raises(MpesaApiException) as caught:
        await pay_person(operator)
    assert caught.value.error.status_code == 500
    assert caught.value.error.raw_response["errorCode"] == "500.002.1001"  # pyright: ignore[reportOptionalSubscript] # an error of HTTP has its answer


async def test_its_own_credentials_are_wrong_for_every_provider(operator: Operator, tmp_path: Any):
    """Its generate_security_credential encrypts the password with the present time behind it."""
    certificate = tmp_path / "provider.cer"
    certificate.write_bytes(await operator.simulator.control.certificate())
    credential = generate_security_credential("Safaricom999!*!", cert_path=str(certificate))
    await pay_person(operator, SecurityCredential=credential)
    assert (await operator.told()).result["ResultCode"] == 2001


async def test_the_balance_is_asked(operator: Operator):
    """Its AccountBalanceResultMetadata looks for ResultParameter outside and ResultParameters inside, and so finds nothing."""
    request = AccountBalanceRequest(**operator.fields(CommandID="AccountBalance", IdentifierType=4))
    assert (await AsyncAccountBalance(**operator.client).query(request)).is_successful()
    told = await operator.told()
    assert told.parameters["AccountBalance"].startswith("Working Account|KES|1000.00|1000.00|")
    read = AccountBalanceResultCallback.model_validate_json(told.raw)
    assert (read.Result.ResultCode, read.Result.ResultParameter) == (0, None)


async def test_a_payment_is_asked_about(operator: Operator):
    """Its TransactionStatusResultMetadata wants ResultParameters to be a list, and every parameter to have a value."""
    paid = await operator.simulator.control.pay(PAYER, PAYBILL, 300)
    fields = operator.fields(CommandID="TransactionStatusQuery", IdentifierType=4, TransactionID=paid["receipt"])
    answer = await AsyncTransactionStatus(**operator.client).query(TransactionStatusRequest(**fields))
    assert answer.is_successful()
    told = await operator.told()
    assert (told.parameters["ReceiptNo"], told.parameters["TransactionStatus"]) == (paid["receipt"], "Completed")
    with pytest.raises(ValidationError, match="ResultParameters"):
        TransactionStatusResultCallback.model_validate_json(told.raw)


async def test_a_payment_is_given_back(operator: Operator):
    """Its ReversalResultMetadata wants the result's code, and every value, to be a string."""
    paid = await operator.simulator.control.pay(PAYER, PAYBILL, 300)
    fields = operator.fields(TransactionID=paid["receipt"], Amount=300, ReceiverParty=int(PAYBILL))
    answer = await AsyncReversal(**operator.client).reverse(ReversalRequest(**fields))
    assert answer.is_successful()
    told = await operator.told()
    assert (told.result["ResultCode"], told.parameters["OriginalTransactionID"]) == (0, paid["receipt"])
    with pytest.raises(ValidationError, match="ResultCode"):
        ReversalResultCallback.model_validate_json(told.raw)


async def test_the_portals_style_of_a_reversal_is_read_but_for_its_array(operator: Operator):
    """Its ReversalReferenceData wants one ReferenceItem, not an array of them."""
    await operator.simulator.control.settings(portal_style=True)
    paid = await operator.simulator.control.pay(PAYER, PAYBILL, 300)
    fields = operator.fields(TransactionID=paid["receipt"], Amount=300, ReceiverParty=int(PAYBILL))
    await AsyncReversal(**operator.client).reverse(ReversalRequest(**fields))
    with pytest.raises(ValidationError) as caught:
        ReversalResultCallback.model_validate_json((await operator.told()).raw)
    assert [each["loc"][-1] for each in caught.value.errors()] == ["ReferenceItem"]


async def test_a_till_is_paid(operator: Operator):
    """Its BusinessBuyGoodsResultParameter wants a value where the wire has none, and knows no decimal number."""
    fields = operator.fields(
        CommandID="BusinessBuyGoods", SenderIdentifierType=4, RecieverIdentifierType=4, Amount=190, PartyB=5651201
    )
    request = BusinessBuyGoodsRequest(**fields, AccountReference="19008", Requester=PAYER)
    assert (await AsyncBusinessBuyGoods(**operator.client).buy_goods(request)).is_successful()
    told = await operator.told()
    assert (told.result["ResultCode"], told.parameters["Amount"]) == (0, 190.0)
    with pytest.raises(ValidationError, match="ResultParameter"):
        BusinessBuyGoodsResultCallback.model_validate_json(told.raw)


async def test_a_qr_is_had(operator: Operator):
    asked = {"MerchantName": "DUKA", "RefNo": "INV-42", "Amount": 300, "TrxCode": "PB", "CPI": PAYBILL, "Size": "60"}
    answer = await AsyncDynamicQRCode(**operator.client).generate(DynamicQRGenerateRequest(**asked))
    assert answer.is_successful()
    assert base64.b64decode(answer.QRCode).startswith(b"\x89PNG")


async def test_a_standing_order_is_made(operator: Operator):
    asked = {
        "StandingOrderName": "Rent", "StartDate": "20261201", "EndDate": "20271201", "BusinessShortCode": PAYBILL,
        "TransactionType": "Standing Order Customer Pay Bill", "ReceiverPartyIdentifierType": "4", "Amount": "4500",
        "PartyA": PAYER, "CallBackURL": operator.receiver.url(), "AccountReference": "Rent", "TransactionDesc": "Rent",
        "Frequency": "4",
    }  # fmt: skip
    answer = await AsyncMpesaRatiba(**operator.client).create_standing_order(StandingOrderRequest.model_validate(asked))
    assert answer.ResponseHeader.responseCode == "200"
    assert (await operator.told()).json["responseHeader"]["responseCode"] == "0"
