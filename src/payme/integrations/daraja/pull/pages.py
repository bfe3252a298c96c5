"""What Pull answers: a state of the registration, or one page of payments.

Code 1001 means that nothing was found or that something went wrong, nobody can say which; it never means that there
were no payments. Only a page that says 1000 and can be read to its last row is conclusive.
Source: Daraja portal, Pull Transactions; answers seen on the wire (keys with spaces, an array in an array).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import cast

from payme.integrations.daraja.answers import Answer
from payme.integrations.daraja.fields import Fields
from payme.integrations.daraja.outcomes import fault_in
from payme.integrations.daraja.values import positive_cents_of, receipt_of
from payme.integrations.daraja.wire import JsonObject

ROWS_IN_A_PAGE = 100
_DONE, _ALREADY_OR_NOTHING = "1000", "1001"
_FIRST_YEAR = 2007


class PullState(StrEnum):
    """Whether Pull was opened now or stood open before; both are well."""

    REGISTERED = "registered"
    ALREADY_REGISTERED = "already_registered"


@dataclass(frozen=True, slots=True)
class PulledPayment:
    """One payment to the shortcode. `written_at` is its time as it came, ending in Z; `near` is that read as UTC.

    Whether it is UTC or Nairobi time nobody knows: match on the receipt, and compare `near` within three hours at best.
    """

    receipt: str
    amount_cents: int
    written_at: str
    near: datetime | None
    msisdn: str = field(repr=False)
    bill_reference: str
    transaction_type: str
    organization_name: str


@dataclass(frozen=True, slots=True)
class PullPage:
    """One page. `is_conclusive` says that a payment that is missing from it is missing at Safaricom too.

    `unreadable_rows` had no receipt or no amount. `next_offset` begins the next page, None where this one is the last.
    """

    rows: tuple[PulledPayment, ...]
    is_conclusive: bool
    next_offset: int | None = None
    unreadable_rows: int = 0
    response_code: str = ""


def judge_pull_registration(answer: Answer) -> PullState:
    """Return the state in an answer to a registration.

    Raises: DarajaRefused, DarajaUnavailable, DarajaUnknown.
    """
    fields = Fields(answer.payload)
    codes = {fields.text("ResponseStatus"), fields.text("ResponseCode")}
    if answer.error_code or answer.fault_text or not codes & {_DONE, _ALREADY_OR_NOTHING}:
        raise fault_in(answer)
    return PullState.REGISTERED if _DONE in codes else PullState.ALREADY_REGISTERED


def judge_pull(answer: Answer, *, offset: int) -> PullPage:
    """Return the page in an answer to a query that began at row `offset`.

    Raises: DarajaRefused, DarajaUnavailable, DarajaUnknown where the answer is neither a page nor code 1001.
    """
    fields = Fields(answer.payload)
    code = fields.text("ResponseCode", longest=32)
    if answer.error_code or answer.fault_text or code not in {_DONE, _ALREADY_OR_NOTHING}:
        raise fault_in(answer)
    found = list(_objects(fields.value("Response")))
    payments = [_payment(row) for row in found]
    rows = tuple(payment for payment in payments if payment is not None)
    unreadable = len(found) - len(rows)
    is_whole = isinstance(fields.value("Response"), list) and not unreadable
    return PullPage(
        rows,
        is_conclusive=code == _DONE and is_whole,
        next_offset=offset + len(found) if len(found) >= ROWS_IN_A_PAGE else None,
        unreadable_rows=unreadable,
        response_code=code,
    )


def _objects(value: object) -> Iterator[JsonObject]:
    """Yield every object in arrays of arrays; what is neither counts as an object without fields."""
    if isinstance(value, list):
        for child in cast("list[object]", value):
            yield from _objects(child)
    elif isinstance(value, dict):
        yield cast("JsonObject", value)
    elif value is not None:
        yield {}


def _payment(row: JsonObject) -> PulledPayment | None:
    fields = Fields(row)
    receipt, amount_cents = fields.read("transactionId", receipt_of), fields.read("amount", positive_cents_of)
    if receipt is None or amount_cents is None:
        return None
    written_at = fields.text("trxDate", longest=40)
    return PulledPayment(
        receipt,
        amount_cents,
        written_at=written_at,
        near=_as_utc(written_at),
        msisdn=fields.text("msisdn", longest=80),
        bill_reference=fields.text("billreference"),
        transaction_type=fields.text("transactiontype", longest=64),
        organization_name=fields.text("organizationname"),
    )


def _as_utc(text: str) -> datetime | None:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    if instant.year < _FIRST_YEAR:
        return None
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
