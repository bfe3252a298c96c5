"""M-Pesa for a shop whose clock stands still: what it answers, and how it spells what it tells of its own accord.

Answers are given at the HTTP transport, because they are about prompts and orders that were never really sent. What it tells
is left in `news`, under the address that it goes to; the test decides when, how often and whether at all it arrives.
"""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx2

from payme.kit.time import NAIROBI
from tests.payment_room import a_receipt

SHORTCODE = "174379"
STILL_PENDING = "4999"
_ACCEPTED = {"MerchantRequestID": "2654-4b64-97ff", "ResponseCode": "0", "ResponseDescription": "Accepted."}
_ROWS_IN_A_PAGE = 100
_WRITTEN = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True)
class Fate:
    """What becomes of an order: whether M-Pesa says that it took it, and what it says when it is asked later."""

    is_answered: bool = True
    status: str | None = "Completed"


@dataclass(frozen=True)
class Money:
    """Money that a customer sent, as a notice or Pull tells of it; the number as M-Pesa hides it."""

    receipt: str
    amount_cents: int
    number: str
    at: datetime
    reference: str = ""

    def notice(self, *, shortcode: str = SHORTCODE) -> bytes:
        """Spell the confirmation."""
        told = {
            "TransactionType": "Pay Bill", "TransID": self.receipt, "TransTime": self.at.astimezone(NAIROBI).strftime("%Y%m%d%H%M%S"),
            "TransAmount": f"{self.amount_cents / 100:.2f}", "BusinessShortCode": shortcode, "BillRefNumber": self.reference,
            "InvoiceNumber": "", "OrgAccountBalance": "900.00", "ThirdPartyTransID": "", "MSISDN": self.number,
            "FirstName": "JOHN", "MiddleName": "", "LastName": "",
        }  # fmt: skip
        return json.dumps(told).encode()

    @property
    def row(self) -> dict[str, str]:
        """Spell the row of Pull."""
        return {
            "transactionId": self.receipt, "trxDate": self.at.isoformat(), "msisdn": self.number.removeprefix("254") if self.number.isdigit() else self.number,
            "sender": "MPESA", "transactiontype": "c2b-pay-bill-debit", "billreference": self.reference,
            "amount": f"{self.amount_cents / 100:.1f}", "organizationname": "DUKA",
        }  # fmt: skip


def operation_result(ours: str, *, code: int | str = 0, receipt: str | None = None, **parameters: Any) -> bytes:
    """Spell the result of an order, or the answer to a question, under the id that the request had."""
    result: dict[str, Any] = {
        "ResultType": 0, "ResultCode": code, "ResultDesc": "As told.", "ConversationID": f"AG_{ours}",
        "OriginatorConversationID": ours, "TransactionID": receipt or ("UKM0000000" if code else a_receipt()),
    }  # fmt: skip
    if parameters:
        items = [{"Key": key, "Value": value} for key, value in parameters.items()]
        result["ResultParameters"] = {"ResultParameter": items}
    return json.dumps({"Result": result}).encode()


@dataclass
class Script:
    """What M-Pesa answers. A question about a prompt has a result code; an order and a question about it have a fate.

    It takes every push. `orders` are the bodies as they arrived, `told_at` the address for notices of money, `money` what Pull
    knows of.
    """

    codes: dict[str, str] = field(default_factory=dict)
    otherwise: str = STILL_PENDING
    asked: list[str] = field(default_factory=list)
    fates: dict[str, Fate] = field(default_factory=dict)
    orders: list[dict[str, Any]] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    news: list[tuple[str, bytes]] = field(default_factory=list)
    money: list[Money] = field(default_factory=list)
    told_at: str = ""
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path
        if path.startswith("/oauth/"):
            return httpx2.Response(200, json={"access_token": "token-of-a-script", "expires_in": "3599"})
        body = json.loads(request.content)
        if "SecurityCredential" in body and not path.endswith("/transactionstatus/v1/query"):
            return self._ordered(request, body)
        return httpx2.Response(200, json=self._said(path, body))

    def _said(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if path.endswith("/stkpush/v1/processrequest"):
            return _ACCEPTED | {"CheckoutRequestID": f"ws_CO_{next(self._numbers)}"}
        if path.endswith("/registerurl"):
            self.told_at = body["ConfirmationURL"]
            return {"ResponseCode": "0", "ResponseDescription": "Success"}
        if path.startswith("/pulltransactions/"):
            return self._pulled(body) if "StartDate" in body else {"ResponseStatus": "1000"}
        if "CheckoutRequestID" in body:
            return self._asked_about_prompt(body["CheckoutRequestID"])
        return self._asked_about_order(body)

    def _asked_about_prompt(self, checkout_id: str) -> dict[str, str]:
        self.asked.append(checkout_id)
        code = self.codes.get(checkout_id, self.otherwise)
        return {"ResponseCode": "0", "CheckoutRequestID": checkout_id, "ResultCode": code, "ResultDesc": "As told."}

    def _pulled(self, body: dict[str, str]) -> dict[str, Any]:
        starts, ends = (
            datetime.strptime(body[name], _WRITTEN).replace(tzinfo=NAIROBI) for name in ("StartDate", "EndDate")
        )
        rows = [each.row for each in self.money if starts <= each.at < ends]
        offset = int(body["OffSetValue"])
        # Code 1001 says nothing, so M-Pesa always has a payment of somebody else to show.
        return {"ResponseCode": "1000", "Response": [rows[offset : offset + _ROWS_IN_A_PAGE]]}

    def _ordered(self, request: httpx2.Request, body: dict[str, Any]) -> httpx2.Response:
        self.orders.append(body)
        ours = body.get("OriginatorConversationID") or body["TransactionID"]
        if not self.fates.get(ours, Fate()).is_answered:
            raise httpx2.ReadTimeout("no answer came", request=request)
        return httpx2.Response(200, json=_accepted(ours))

    def _asked_about_order(self, body: dict[str, Any]) -> dict[str, str]:
        ours = (body.get("OriginatorConversationID") or body["TransactionID"]).removeprefix("AG_")
        self.questions.append(ours)
        status = self.fates.get(ours, Fate()).status
        found = [
            each for each in self.orders if ours in (each.get("OriginatorConversationID"), each.get("TransactionID"))
        ]
        about = f"status-{next(self._numbers)}"
        if status is None or not found:
            answer = operation_result(about, code=2001)
        else:
            answer = operation_result(
                about, TransactionStatus=status, Amount=found[0]["Amount"] + ".00",
                ReceiptNo=body.get("TransactionID") or a_receipt(),
                OriginatorConversationID=ours,
            )  # fmt: skip
        self.news.append((body["ResultURL"], answer))
        return _accepted(about)


def _accepted(ours: str) -> dict[str, str]:
    return {
        "ConversationID": f"AG_{ours}", "OriginatorConversationID": ours, "ResponseCode": "0",
        "ResponseDescription": "Accept the service request successfully.",
    }  # fmt: skip
