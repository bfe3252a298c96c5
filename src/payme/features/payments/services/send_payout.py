"""Send a payout: mark it sending and commit, speak to M-Pesa with no transaction open, record what came back.

A payout is sent at most once under an id that is committed before. Whoever finds it in `sending` again finds a process that
died in between: its outcome is then unknown, and M-Pesa is asked about it.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from payme.features.payments.errors import MethodNotConfigured, OperatorMissing, PayoutNotFound
from payme.features.payments.repository import payouts as repository
from payme.features.payments.repository.payouts import Moved, StoredPayout
from payme.features.payments.rules.payouts import News, PayoutState
from payme.features.payments.services.conclude_payout import Heard, hear
from payme.features.payments.services.gateway import DarajaAccess
from payme.features.payments.services.operators import Operator, operator_of
from payme.features.payments.services.request_payout import PHONE_COLUMN
from payme.integrations.daraja import Payout, Reason, ResultUrls, Reversal
from payme.runtime.database import Database, UnitOfWork
from payme.runtime.events import open_route
from payme.runtime.security import FieldCipher

RESULT_KIND: Final = "result"


@dataclass(frozen=True, slots=True)
class PayoutErrand:
    """Everything that sending needs, so that no transaction is open while it runs."""

    payout: StoredPayout
    operator: Operator
    msisdn: str
    token: str


async def begin_sending_payout(uow: UnitOfWork, payout_id: UUID) -> PayoutErrand | None:
    """Mark a payout as sending and return what to send; None when it must not be sent (again). Locks the payout."""
    payout = await repository.lock_payout(uow, payout_id)
    if payout is None:
        raise PayoutNotFound(payout_id=payout_id)
    if payout.state is PayoutState.SENDING:
        await hear(uow, payout_id, Heard(News.DOUBT, reason_code="interrupted"))
    if payout.state is not PayoutState.APPROVED:
        return None
    try:
        operator = await operator_of(uow, payout.shortcode)
    except (OperatorMissing, MethodNotConfigured) as refusal:
        await repository.move_payout(uow, payout_id, Moved(PayoutState.SENDING))
        await hear(uow, payout_id, Heard(News.REFUSED, reason=Reason.CONFIG, reason_code=refusal.code))
        return None
    token = await open_route(uow, kind=RESULT_KIND, subject_id=payout_id)
    await repository.move_payout(uow, payout_id, Moved(PayoutState.SENDING))
    uow.touch("payouts", payout_id)
    return PayoutErrand(payout, operator, _msisdn(uow, payout), token)


async def send(access: DarajaAccess, database: Database, errand: PayoutErrand) -> str:
    """Order the payout, once, and return M-Pesa's id of it.

    Raises: DarajaUnavailable (nothing was sent), DarajaRefused, DarajaUnknown, DuplicateRequest (it was sent before).
    """
    client = access.client(database, errand.operator.collector)
    urls = result_urls(access, errand.token)
    payout, account = errand.payout, errand.operator.account
    if payout.kind == "reversal":
        assert payout.original_receipt is not None, "a reversal names what it sends back"
        reversal = Reversal(account, urls, payout.original_receipt, payout.amount_cents, payout.reason)
        return (await client.reversal(reversal)).conversation_id
    order = Payout(account, urls, payout.originator_conversation_id, errand.msisdn, payout.amount_cents, payout.reason)
    accepted = await (client.b2pochi(order) if payout.kind == "b2pochi" else client.b2c(order))
    return accepted.conversation_id


def result_urls(access: DarajaAccess, token: str) -> ResultUrls:
    """Return where a result and the news of a queue's time-out go; one secret opens both doors."""
    return ResultUrls(access.callback_url(token, "result"), access.callback_url(token, "timeout"))


def _msisdn(uow: UnitOfWork, payout: StoredPayout) -> str:
    if payout.phone_encrypted is None:
        return ""
    return uow.tool(FieldCipher).decrypt(
        payout.phone_encrypted, table="payouts", column=PHONE_COLUMN, business_id=uow.tenant, row_id=payout.id
    )
