"""Money that leaves: agreed to by somebody else, sent once, and believed to have left when M-Pesa says so."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from payme.features.approvals import ApprovalApproved, ApprovalKind, ApprovalLapsed, ApprovalRejected
from payme.features.businesses.schemas import ChangeBusiness
from payme.features.businesses.services import change_business
from payme.features.payments import (
    Channel,
    ConfigureMethod,
    PhoneInvalid,
    WholeShillings,
    Word,
    claim_receipt,
    configure_method,
)
from payme.features.payments.enums import Source
from payme.features.payments.errors import (
    AlreadyClaimed,
    NotReturnable,
    NotVerifiedYet,
    OperatorMissing,
    PayoutAboveLimit,
    PayoutExists,
    PayoutTooSmall,
    UnclaimedNotFound,
)
from payme.features.payments.rules.payouts import ASK_AFTER, News, PayoutState
from payme.features.payments.schemas import PayoutView, RequestPayout, ReturnMoney
from payme.features.payments.services.ask_status import (
    StatusErrand,
    begin_asking_about_payout,
    begin_asking_about_receipt,
)
from payme.features.payments.services.claim_money import Destination, claim_unclaimed
from payme.features.payments.services.conclude_payout import Heard, hear
from payme.features.payments.services.handle_callback import handle_callback
from payme.features.payments.services.handle_result import DOOR_HEADER, TIMEOUT_DOOR
from payme.features.payments.services.place_money import Arrival, place_money
from payme.features.payments.services.read_payouts import get_payout
from payme.features.payments.services.receive_callback import receive_callback
from payme.features.payments.services.request_payout import (
    hear_of_approval,
    hear_of_refusal,
    request_payout,
    return_money,
)
from payme.features.payments.services.send_payout import PayoutErrand, begin_sending_payout
from payme.integrations.daraja import Reason
from payme.kit.errors import DomainError
from payme.kit.ids import new_id
from payme.runtime.database import UnitOfWork
from tests.payment_room import OPERATED, Till, a_receipt, open_till, stk_callback

SEND, ASK = "payments.send_payout", "payments.ask_about_payout"
AMOUNT = 250_000


@pytest.fixture
async def shop(shop: Till) -> Till:
    """A shop with an operator."""
    await shop.run(lambda uow: configure_method(uow, "paybill", ConfigureMethod.model_validate(OPERATED)))
    return shop


def command(**changes: Any) -> RequestPayout:
    return RequestPayout.model_validate(
        {"amount_cents": AMOUNT, "phone": "0712345678", "reason": "Casual labour"} | changes
    )


async def asked(shop: Till, **changes: Any) -> PayoutView:
    return await shop.run(lambda uow: request_payout(uow, command(**changes)))


async def agree(shop: Till, payout_id: UUID) -> None:
    event = ApprovalApproved(subject_id=new_id(), kind=ApprovalKind.PAYOUT, about_id=payout_id, decided_by=new_id())
    await shop.run(lambda uow: hear_of_approval(uow, event))


async def sending(shop: Till, **changes: Any) -> PayoutErrand:
    """Have a payout agreed to and taken up by its job."""
    payout = await asked(shop, **changes)
    await agree(shop, payout.id)
    return await begin(shop, payout.id)


async def begin(shop: Till, payout_id: UUID) -> PayoutErrand:
    errand = await shop.run(lambda uow: begin_sending_payout(uow, payout_id))
    assert errand is not None
    return errand


async def hears(shop: Till, payout_id: UUID, news: News, **more: Any) -> PayoutState:
    return await shop.run(lambda uow: hear(uow, payout_id, Heard(news, **more)))


async def payout(shop: Till, payout_id: UUID) -> PayoutView:
    return await shop.run(lambda uow: get_payout(uow, payout_id))


def result(
    errand: PayoutErrand | StatusErrand, *, code: int = 0, receipt: str = "", ours: str = "", **parameters: Any
) -> bytes:
    """Spell a result as M-Pesa does."""
    items = [{"Key": key, "Value": value} for key, value in parameters.items()]
    body: dict[str, Any] = {
        "ResultType": 0, "ResultCode": code, "ResultDesc": "said", "ConversationID": "AG_20261122_1",
        "OriginatorConversationID": ours or (errand.payout.originator_conversation_id if isinstance(errand, PayoutErrand) else "q"),
        "TransactionID": receipt or ("UKM0000000" if code else a_receipt()),
    }  # fmt: skip
    if items:
        body["ResultParameters"] = {"ResultParameter": items}
    return json.dumps({"Result": body}).encode()


async def tell(shop: Till, token: str, body: bytes, *, door: str = "") -> UUID:
    """Store a result as the API does, and understand it as the worker does."""

    async def work(uow: UnitOfWork) -> None:
        headers = {DOOR_HEADER: door}
        await receive_callback(uow, token, kind="result", headers=headers, body=body, remote_address="196.201.214.200")

    await shop.database.run(work)
    sql = "select id from callback_inbox where business_id = $1 and state = 'received' order by received_at, id limit 1"
    inbox_id: UUID = (await shop.rows(sql))[0][0]
    await shop.run(lambda uow: handle_callback(uow, inbox_id))
    return inbox_id


async def refuses(shop: Till, error: type[DomainError], work: Callable[[UnitOfWork], Awaitable[Any]]) -> None:
    with pytest.raises(error):
        await shop.run(work)
    assert await shop.rows("select 1 from payouts where business_id = $1") == []


async def test_a_payout_waits_for_somebody_elses_word_and_is_sent_once(shop: Till) -> None:
    made = await asked(shop)
    assert (made.state, made.phone, made.approval_id is not None) == ("awaiting_approval", "*********678", True)
    assert await shop.jobs(SEND) == []
    for _ in range(3):
        await agree(shop, made.id)
    assert (await payout(shop, made.id)).state == "approved"
    assert len(await shop.jobs(SEND)) == 1
    errand = await begin(shop, made.id)
    assert (errand.msisdn, errand.payout.originator_conversation_id) == ("254712345678", f"pm-{made.id.hex}")
    assert (errand.operator.account.shortcode, errand.operator.account.initiator.name) == ("174379", "dukaapi")
    sql = "select count(*)::int from audit_log where business_id = $1 and action like 'payout.%'"
    assert (await shop.rows(sql))[0][0] == 2


@pytest.mark.parametrize("event", [ApprovalRejected, ApprovalLapsed])
async def test_what_nobody_agrees_to_is_not_sent(shop: Till, event: Any) -> None:
    made = await asked(shop)
    said = {"subject_id": new_id(), "kind": ApprovalKind.PAYOUT, "about_id": made.id}
    news = event(**said, decided_by=new_id()) if event is ApprovalRejected else event(**said)
    for _ in range(2):
        await shop.run(lambda uow: hear_of_refusal(uow, news))
    assert (await payout(shop, made.id)).state == "rejected"
    await agree(shop, made.id)
    assert (await payout(shop, made.id)).state == "rejected"
    assert await shop.jobs(SEND) == []
    assert await shop.run(lambda uow: begin_sending_payout(uow, made.id)) is None


async def test_what_may_not_be_asked_for_writes_nothing(shop: Till) -> None:
    await refuses(shop, WholeShillings, lambda uow: request_payout(uow, command(amount_cents=AMOUNT + 50)))
    await refuses(shop, PayoutTooSmall, lambda uow: request_payout(uow, command(amount_cents=900)))
    await refuses(shop, PhoneInvalid, lambda uow: request_payout(uow, command(phone="12")))
    await shop.run(lambda uow: change_business(uow, ChangeBusiness(payout_limit_cents=AMOUNT - 1)))
    await refuses(shop, PayoutAboveLimit, lambda uow: request_payout(uow, command()))


async def test_nothing_is_paid_out_without_an_operator(database: Any, clock: Any, owner_dsn: str) -> None:
    bare = await open_till(database, clock, owner_dsn=owner_dsn)
    await refuses(bare, OperatorMissing, lambda uow: request_payout(uow, command()))


async def test_the_limit_of_a_day_holds_under_requests_at_once(shop: Till) -> None:
    limits = ChangeBusiness(payout_limit_cents=AMOUNT, payout_day_limit_cents=3 * AMOUNT)
    await shop.run(lambda uow: change_business(uow, limits))
    results = await asyncio.gather(*(asked(shop) for _ in range(10)), return_exceptions=True)
    assert [isinstance(each, PayoutView) for each in results].count(True) == 3
    assert [isinstance(each, PayoutAboveLimit) for each in results].count(True) == 7
    first = next(each for each in results if isinstance(each, PayoutView))
    said = ApprovalRejected(subject_id=new_id(), kind=ApprovalKind.PAYOUT, about_id=first.id, decided_by=new_id())
    await shop.run(lambda uow: hear_of_refusal(uow, said))
    await asked(shop)
    shop.clock.advance(timedelta(days=1))
    await asked(shop)


async def test_money_that_left_is_booked_once(shop: Till) -> None:
    errand = await sending(shop)
    await hears(shop, errand.payout.id, News.ACCEPTED, conversation_id="AG_20261122_1")
    receipt = a_receipt()
    body = result(errand, receipt=receipt, TransactionAmount=2500, TransactionReceipt=receipt)
    for _ in range(3):
        await tell(shop, errand.token, body)
    found = await payout(shop, errand.payout.id)
    assert (found.state, found.mpesa_receipt_number, found.reason_code) == ("succeeded", receipt, None)
    assert await shop.balances() == {"mpesa": -AMOUNT, "mpesa_paid_out": AMOUNT}
    assert await shop.broken(1, 5, 6, 7) == []
    sql = "select count(*)::int from events where business_id = $1 and name = 'payout.succeeded'"
    assert (await shop.rows(sql))[0][0] == 1


async def test_a_result_may_come_before_the_answer(shop: Till) -> None:
    errand = await sending(shop)
    await tell(shop, errand.token, result(errand))
    assert await hears(shop, errand.payout.id, News.ACCEPTED, conversation_id="AG_20261122_1") is PayoutState.SUCCEEDED


async def test_what_m_pesa_denies_has_failed_in_words(shop: Till) -> None:
    errand = await sending(shop)
    await hears(shop, errand.payout.id, News.ACCEPTED, conversation_id="AG_20261122_1")
    await tell(shop, errand.token, result(errand, code=1))
    found = await payout(shop, errand.payout.id)
    assert (found.state, found.reason_code, found.mpesa_receipt_number) == ("failed", "shop_funds", None)
    assert found.reason_text
    assert await shop.balances() == {}
    await tell(shop, errand.token, result(errand))
    assert (await payout(shop, errand.payout.id)).state == "succeeded"
    assert await shop.broken(1, 7) == []


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"Result":{"ResultCode":0}}', b'{"Result":{"ConversationID":"AG_1"}}']
)
async def test_garbage_moves_nothing(shop: Till, body: bytes) -> None:
    errand = await sending(shop)
    inbox_id = await tell(shop, errand.token, body)
    assert await shop.rows("select state from callback_inbox where business_id = $1 and id = $2", inbox_id) == [
        ("malformed",)
    ]
    assert (await payout(shop, errand.payout.id)).state == "sending"


async def test_a_result_of_another_conversation_moves_nothing(shop: Till) -> None:
    errand = await sending(shop)
    await hears(shop, errand.payout.id, News.ACCEPTED, conversation_id="AG_20261122_9")
    await tell(shop, errand.token, result(errand, ours="pm-of-another"))
    assert (await payout(shop, errand.payout.id)).state == "pending"


async def test_a_result_of_another_amount_is_asked_about(shop: Till) -> None:
    errand = await sending(shop)
    await tell(shop, errand.token, result(errand, TransactionAmount=2499))
    row, _ = await lying(shop)
    back = await shop.run(lambda uow: return_money(uow, row, ReturnMoney(reason="Wrong till")))
    await agree(shop, back.id)
    await tell(shop, (reversal := await begin(shop, back.id)).token, result(reversal, Amount=149))
    for payout_id in (errand.payout.id, back.id):
        found = await payout(shop, payout_id)
        assert (found.state, found.mpesa_receipt_number) == ("unknown", None)
    assert len(await shop.jobs(ASK)) == 2
    assert await shop.balances() == {"mpesa": 15_000, "mpesa_unclaimed": -15_000}


async def test_a_code_that_nobody_knows_and_a_queue_that_timed_out_leave_it_in_doubt(shop: Till) -> None:
    first, second = await sending(shop), await sending(shop)
    await tell(shop, first.token, result(first, code=98765))
    await tell(shop, second.token, b"whatever", door=TIMEOUT_DOOR)
    for errand in (first, second):
        assert (await payout(shop, errand.payout.id)).state == "unknown"
        assert await shop.balances() == {}
    await tell(shop, second.token, result(second))
    assert (await payout(shop, second.payout.id)).state == "succeeded"


async def test_what_died_while_being_sent_is_asked_about_and_not_sent_again(shop: Till) -> None:
    errand = await sending(shop)
    assert await shop.run(lambda uow: begin_sending_payout(uow, errand.payout.id)) is None
    assert (await payout(shop, errand.payout.id)).state == "unknown"
    assert len(await shop.jobs(ASK)) == 1
    assert await shop.run(lambda uow: begin_sending_payout(uow, errand.payout.id)) is None


async def test_a_password_that_no_certificate_can_carry_refuses_the_payout(shop: Till) -> None:
    payout_id = (await asked(shop)).id
    await agree(shop, payout_id)
    too_long = ConfigureMethod.model_validate(OPERATED | {"initiator_password": "é" * 150})
    await shop.run(lambda uow: configure_method(uow, "paybill", too_long))
    assert await shop.run(lambda uow: begin_sending_payout(uow, payout_id)) is None
    assert (await payout(shop, payout_id)).state == "failed"


async def test_what_was_not_sent_is_sent_again(shop: Till) -> None:
    errand = await sending(shop)
    assert await hears(shop, errand.payout.id, News.NOT_SENT) is PayoutState.APPROVED
    again = await begin(shop, errand.payout.id)
    assert again.payout.originator_conversation_id == errand.payout.originator_conversation_id
    assert await hears(shop, errand.payout.id, News.REFUSED, reason=Reason.CONFIG) is PayoutState.FAILED


async def _ask(shop: Till, payout_id: UUID) -> StatusErrand:
    errand = await shop.run(lambda uow: begin_asking_about_payout(uow, payout_id))
    assert errand is not None
    return errand


@pytest.mark.parametrize(
    ("code", "status", "amount", "state"),
    [
        (0, "Completed", "2500.00", "succeeded"), (0, "Declined", "2500.00", "failed"), (0, "Authorized", "2500.00", "unknown"),
        (0, "Completed", "2499.00", "unknown"), (2032, "Completed", "2500.00", "unknown"), (2001, "", "", "unknown"),
    ],
)  # fmt: skip
async def test_an_answer_decides_only_where_it_is_clear(
    shop: Till, code: int, status: str, amount: str, state: str
) -> None:
    errand = await sending(shop)
    await hears(shop, errand.payout.id, News.DOUBT)
    question = await _ask(shop, errand.payout.id)
    assert question.question.conversation_id == errand.payout.originator_conversation_id
    receipt = a_receipt()
    body = result(question, code=code, TransactionStatus=status, Amount=amount, ReceiptNo=receipt)
    for _ in range(2):
        await tell(shop, question.token, body)
    found = await payout(shop, errand.payout.id)
    assert (found.state, found.mpesa_receipt_number) == (state, receipt if state == "succeeded" else None)
    assert await shop.rows("select state from mpesa_questions where business_id = $1") == [("answered",)]


async def test_questions_end_and_leave_it_to_a_person(shop: Till) -> None:
    errand = await sending(shop)
    await hears(shop, errand.payout.id, News.DOUBT)
    for number in range(len(ASK_AFTER)):
        assert len(await shop.jobs(ASK)) == number + 1
        await _ask(shop, errand.payout.id)
    assert len(await shop.jobs(ASK)) == len(ASK_AFTER)
    assert (await payout(shop, errand.payout.id)).state == "unknown"


def test_questions_outlast_two_days_without_callbacks() -> None:
    assert sum(ASK_AFTER, timedelta()) > timedelta(days=2)


async def test_nothing_is_asked_about_what_has_ended(shop: Till) -> None:
    errand = await sending(shop)
    await tell(shop, errand.token, result(errand))
    assert await shop.run(lambda uow: begin_asking_about_payout(uow, errand.payout.id)) is None


# -- money that goes back to its sender


async def lying(shop: Till, amount_cents: int = 15_000) -> tuple[UUID, str]:
    """Have money lie in the tray; return its row and receipt."""
    receipt = a_receipt()
    arrival = Arrival(Source.C2B, receipt, amount_cents, "174379", ["174379"], payer_number="2547 ***** 999")
    await shop.run(lambda uow: place_money(uow, arrival))
    ((row,),) = await shop.rows(
        "select id from unclaimed_money where business_id = $1 and mpesa_receipt_number = $2", receipt
    )
    return row, receipt


async def test_money_in_the_tray_goes_back_to_its_sender(shop: Till) -> None:
    row, receipt = await lying(shop)
    back = await shop.run(lambda uow: return_money(uow, row, ReturnMoney(reason="Wrong till")))
    assert (back.kind, back.purpose, back.amount_cents) == ("reversal", "unclaimed", 15_000)
    assert await shop.tray() == [("no_match", 15_000, "returning")]
    with pytest.raises(AlreadyClaimed):
        await shop.run(lambda uow: claim_unclaimed(uow, row, Destination("sale", new_id())))
    with pytest.raises(AlreadyClaimed):
        await shop.run(lambda uow: return_money(uow, row, ReturnMoney(reason="Wrong till")))
    assert await shop.broken(1, 7) == []
    await agree(shop, back.id)
    errand = await begin(shop, back.id)
    assert (errand.payout.original_receipt, errand.msisdn) == (receipt, "")
    await tell(shop, errand.token, result(errand))
    assert await shop.tray() == [("no_match", 15_000, "returned")]
    assert await shop.balances() == {}
    assert await shop.broken(1, 5, 6, 7) == []


@pytest.mark.parametrize("how", ["rejected", "denied"])
async def test_money_that_did_not_go_back_can_be_claimed_again(shop: Till, how: str) -> None:
    row, _ = await lying(shop)
    back = await shop.run(lambda uow: return_money(uow, row, ReturnMoney(reason="Wrong till")))
    if how == "rejected":
        said = ApprovalRejected(subject_id=new_id(), kind=ApprovalKind.PAYOUT, about_id=back.id, decided_by=new_id())
        await shop.run(lambda uow: hear_of_refusal(uow, said))
    else:
        await agree(shop, back.id)
        errand = await begin(shop, back.id)
        await tell(shop, errand.token, result(errand, code=11))
    assert await shop.tray() == [("no_match", 15_000, "unclaimed")]
    assert await shop.broken(1, 7) == []
    await shop.run(lambda uow: return_money(uow, row, ReturnMoney(reason="Again")))


async def test_a_reversal_that_was_made_before_is_asked_about(shop: Till) -> None:
    row, _ = await lying(shop)
    back = await shop.run(lambda uow: return_money(uow, row, ReturnMoney(reason="Wrong till")))
    await agree(shop, back.id)
    errand = await begin(shop, back.id)
    body = result(errand, code=1).replace(b'"ResultCode": 1', b'"ResultCode": "R000001"')
    await tell(shop, errand.token, body)
    assert (await payout(shop, back.id)).state == "unknown"
    assert len(await shop.jobs(ASK)) == 1


async def test_two_who_send_the_same_money_back_do_so_once(shop: Till) -> None:
    row, _ = await lying(shop)
    tries = [shop.run(lambda uow: return_money(uow, row, ReturnMoney(reason="Wrong till"))) for _ in range(8)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert [isinstance(each, PayoutView) for each in results].count(True) == 1
    assert all(isinstance(each, PayoutView | AlreadyClaimed | PayoutExists) for each in results)


async def test_what_is_left_over_or_unknown_is_not_sent_back(shop: Till) -> None:
    await refuses(shop, UnclaimedNotFound, lambda uow: return_money(uow, new_id(), ReturnMoney(reason="Wrong till")))
    _, token, checkout_id = await shop.sent()
    await shop.call_back(token, stk_callback(checkout_id))
    await shop.call_back(token, stk_callback(checkout_id))
    ((row,),) = await shop.rows("select id from unclaimed_money where business_id = $1")
    await refuses(shop, NotReturnable, lambda uow: return_money(uow, row, ReturnMoney(reason="Wrong till")))


# -- questions about receipts


@pytest.mark.parametrize(("status", "shortcode", "verdict"), [
    ("Completed", "174379", "verified"), ("Declined", "174379", "waiting"), ("Completed", "600999", "waiting"),
])  # fmt: skip
async def test_an_answer_proves_a_claim_of_our_own_money_only(
    shop: Till, status: str, shortcode: str, verdict: str
) -> None:
    receipt = a_receipt()
    word = Word(receipt, 15_000, Channel.PAYBILL)
    claim = await shop.run(lambda uow: claim_receipt(uow, word, Destination("sale", new_id())))
    assert len(await shop.jobs("payments.ask_about_receipt")) == 2
    question = await shop.run(lambda uow: begin_asking_about_receipt(uow, "claim", claim.id))
    assert question is not None
    assert question.question.receipt == receipt
    body = result(
        question, TransactionStatus=status, Amount="150.00", ReceiptNo=receipt, CreditPartyName=f"{shortcode} - DUKA"
    )
    await tell(shop, question.token, body)
    assert (await shop.payment(claim.id)).verdict == verdict
    again = await shop.run(lambda uow: begin_asking_about_receipt(uow, "claim", claim.id))
    assert (again is None) is (verdict == "verified")
    assert await shop.broken(1, 5, 6) == []


async def test_an_answer_lets_money_above_the_limit_be_claimed(shop: Till) -> None:
    row, receipt = await lying(shop, 1_500_000)
    assert len(await shop.jobs("payments.ask_about_receipt")) == 1
    with pytest.raises(NotVerifiedYet):
        await shop.run(lambda uow: claim_unclaimed(uow, row, Destination("sale", new_id())))
    question = await shop.run(lambda uow: begin_asking_about_receipt(uow, "unclaimed", row))
    assert question is not None
    body = result(
        question, TransactionStatus="Completed", Amount="15000.00", ReceiptNo=receipt, CreditPartyName="174379 - DUKA"
    )
    await tell(shop, question.token, body)
    await shop.run(lambda uow: claim_unclaimed(uow, row, Destination("sale", new_id())))
    assert await shop.run(lambda uow: begin_asking_about_receipt(uow, "unclaimed", row)) is None


async def test_small_money_in_the_tray_is_not_asked_about(shop: Till) -> None:
    await lying(shop)
    assert await shop.jobs("payments.ask_about_receipt") == []
