"""The Daraja client against the simulator's process: what each side believes happened is the same."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import httpx2
import pytest

from payme.integrations.daraja import (
    AppCredentials,
    ClientOptions,
    CollectionAccount,
    DarajaClient,
    DarajaRefused,
    DarajaUnavailable,
    DarajaUnknown,
    InvalidCallbackUrl,
    MemoryTokenStore,
    QueryNote,
    Reason,
    ShortcodeKind,
    Standing,
    StkPush,
    StkQuery,
    Timeouts,
    open_http_client,
    parse_stk_callback,
    receipt_date,
)
from payme.kit.time import NAIROBI, SystemClock
from tests.simulator import CallbackReceiver, SimulatorProcess

APP = AppCredentials("demo", "payme-demo-key", "payme-demo-secret")
SANDBOX_PASSKEY = "bfb279f9aa9bdbcf158e97dd71a467cd2e0c893059b10f78e6b72ada1ed2c919"
PAYBILL = CollectionAccount(ShortcodeKind.PAYBILL, "174379", passkey=SANDBOX_PASSKEY)
PUSH = StkPush(PAYBILL, "254711222300", 100_00, "http://127.0.0.1:1/d/6b1f/stk", "INV-42", "Duka 7")
SHORT = ClientOptions(timeouts=Timeouts(connect_seconds=0.8, push_seconds=1, query_seconds=1))


@pytest.fixture(scope="module")
def process() -> Iterator[SimulatorProcess]:
    with SimulatorProcess("--seed", "7") as simulator:
        yield simulator


@pytest.fixture
async def simulator(process: SimulatorProcess) -> SimulatorProcess:
    await process.control.reset(seed=7)
    await process.control.settings(callback_scale=0.0)
    return process


@pytest.fixture
def receiver() -> Iterator[CallbackReceiver]:
    with CallbackReceiver() as receiver:
        yield receiver


@pytest.fixture
async def client(simulator: SimulatorProcess) -> AsyncIterator[DarajaClient]:
    async with open_http_client(connections=40) as http:
        yield a_client(http, simulator)


def a_client(http: httpx2.AsyncClient, simulator: SimulatorProcess, *, app: AppCredentials = APP) -> DarajaClient:
    clock = SystemClock()
    return DarajaClient(
        http, simulator.base_url, app=app, token_store=MemoryTokenStore(clock), clock=clock, options=SHORT
    )


async def seen(simulator: SimulatorProcess, product: str) -> int:
    return len(await simulator.control.transcript(event="request", product=product))


async def prompts_opened(simulator: SimulatorProcess) -> int:
    return len(await simulator.control.transcript(event="prompt_shown"))


async def the_only_checkout_id(simulator: SimulatorProcess) -> str:
    (shown,) = await simulator.control.transcript(event="prompt_shown")
    return shown["checkout_request_id"]


async def test_a_payment_from_push_to_callback_to_query(
    client: DarajaClient, simulator: SimulatorProcess, receiver: CallbackReceiver
):
    accepted = await client.stk_push(replace(PUSH, callback_url=receiver.url()))
    callback = parse_stk_callback((await receiver.next()).raw)
    assert callback.standing is Standing.PAID
    assert callback.checkout_request_id == accepted.checkout_request_id
    assert callback.merchant_request_id == accepted.merchant_request_id
    assert (callback.amount_cents, callback.msisdn, callback.oddities) == (100_00, "254711222300", ())
    (payment,) = (await simulator.control.ledger())["payments"]
    assert payment["receipt"] == callback.mpesa_receipt_number
    assert callback.mpesa_receipt_number
    assert callback.paid_at
    assert receipt_date(callback.mpesa_receipt_number) == callback.paid_at.astimezone(NAIROBI).date()
    await simulator.control.advance(5)
    result = await client.stk_query(StkQuery(PAYBILL, accepted.checkout_request_id))
    assert (result.standing, result.note) == (Standing.PAID, QueryNote.RESULT)


@pytest.mark.parametrize(
    ("suffix", "reason"),
    [
        ("01", Reason.FUNDS),
        ("17", Reason.REPEAT),
        ("19", Reason.EXPIRED),
        ("26", Reason.BUSY),
        ("32", Reason.CANCELLED),
        ("37", Reason.UNREACHABLE),
        ("20", Reason.PIN),
        ("28", Reason.CONFIG),
        ("03", Reason.CONFIG),
        ("08", Reason.BAD_DEBT),
        ("99", Reason.NOT_SENT),
    ],
)
async def test_callback_and_query_agree_on_each_failure(
    suffix: str, reason: Reason, client: DarajaClient, simulator: SimulatorProcess, receiver: CallbackReceiver
):
    push = replace(PUSH, msisdn=f"2547112223{suffix}", callback_url=receiver.url())
    accepted = await client.stk_push(push)
    callback = parse_stk_callback((await receiver.next()).raw)
    await simulator.control.advance(5)
    result = await client.stk_query(StkQuery(PAYBILL, accepted.checkout_request_id))
    assert (callback.standing, callback.reason) == (Standing.FAILED, reason)
    assert (result.standing, result.reason, result.result_code) == (Standing.FAILED, reason, callback.result_code)
    assert (callback.amount_cents, callback.mpesa_receipt_number, callback.oddities) == (None, None, ())


async def test_a_till_is_paid_under_its_store(
    simulator: SimulatorProcess, client: DarajaClient, receiver: CallbackReceiver
):
    listed = await simulator.control.send("GET", "/_sim/apps")
    store = next(code for code in listed["shortcodes"] if code["kind"] == "till")
    till = CollectionAccount(
        ShortcodeKind.BUY_GOODS, store["shortcode"], passkey=store["passkey"], till_number=store["till_number"]
    )
    await client.stk_push(replace(PUSH, account=till, callback_url=receiver.url()))
    assert parse_stk_callback((await receiver.next()).raw).standing is Standing.PAID
    mixed_up = replace(till, till_number="5999999")
    push = replace(PUSH, account=mixed_up, msisdn="254711222400", callback_url=receiver.url())
    await client.stk_push(push)
    callback = parse_stk_callback((await receiver.next()).raw)
    assert (callback.result_code, callback.reason) == ("SFC_IC0003", Reason.CONFIG)


@pytest.mark.parametrize("kind", ["hang", "reset"])
async def test_an_answer_lost_after_acceptance_is_unknown_and_one_prompt(
    kind: str, client: DarajaClient, simulator: SimulatorProcess
):
    await simulator.control.fault("stkpush", kind, seconds=3)
    with pytest.raises(DarajaUnknown) as fault:
        await client.stk_push(replace(PUSH, msisdn="254711222355"))
    assert fault.value.code == "daraja.no_answer"
    assert (await seen(simulator, "stkpush"), await prompts_opened(simulator)) == (1, 1)


@pytest.mark.parametrize("after_accept", [False, True])
@pytest.mark.parametrize("status", [200, 403, 503])
async def test_a_page_of_html_is_unknown_whatever_its_status(
    status: int, after_accept: bool, client: DarajaClient, simulator: SimulatorProcess
):
    await simulator.control.fault("stkpush", "html", status=status, after_accept=after_accept)
    with pytest.raises(DarajaUnknown) as fault:
        await client.stk_push(PUSH)
    assert fault.value.code == "daraja.unreadable_answer"
    assert await seen(simulator, "stkpush") == 1


@pytest.mark.parametrize("kind", ["spike_429", "busy"])
async def test_a_push_that_was_shed_opened_no_prompt(kind: str, client: DarajaClient, simulator: SimulatorProcess):
    await simulator.control.fault("stkpush", kind)
    with pytest.raises(DarajaUnavailable) as fault:
        await client.stk_push(PUSH)
    assert fault.value.code == "daraja.throttled"
    assert (await seen(simulator, "stkpush"), await prompts_opened(simulator)) == (1, 0)


async def test_an_error_without_words_is_unknown(client: DarajaClient, simulator: SimulatorProcess):
    await simulator.control.fault("stkpush", "empty_message", after_accept=True)
    with pytest.raises(DarajaUnknown):
        await client.stk_push(PUSH)
    assert await seen(simulator, "stkpush") == 1


async def test_a_killed_token_costs_one_renewal_and_one_repetition(client: DarajaClient, simulator: SimulatorProcess):
    await simulator.control.fault("stkpush", "killed_token")
    await client.stk_push(replace(PUSH, msisdn="254711222355"))
    assert (await seen(simulator, "oauth"), await seen(simulator, "stkpush")) == (2, 2)
    assert await prompts_opened(simulator) == 1


async def test_twenty_calls_at_once_mint_one_token(client: DarajaClient, simulator: SimulatorProcess):
    await simulator.control.settings(new_token_kills_old=True)
    pushes = [replace(PUSH, msisdn=f"25471122{number}55") for number in range(10, 30)]
    accepted = await asyncio.gather(*(client.stk_push(push) for push in pushes))
    assert len({one.checkout_request_id for one in accepted}) == 20
    assert (await seen(simulator, "oauth"), await seen(simulator, "stkpush")) == (1, 20)


async def test_a_token_killed_under_twenty_calls_is_renewed_once(client: DarajaClient, simulator: SimulatorProcess):
    await simulator.control.settings(new_token_kills_old=True)
    await client.probe()
    await simulator.control.fault("stkpush", "killed_token")
    pushes = [replace(PUSH, msisdn=f"25471122{number}55") for number in range(10, 30)]
    await asyncio.gather(*(client.stk_push(push) for push in pushes))
    assert await seen(simulator, "oauth") == 2
    assert await prompts_opened(simulator) == 20


async def test_wrong_credentials_are_refused_and_asked_once(simulator: SimulatorProcess):
    async with open_http_client() as http:
        client = a_client(http, simulator, app=replace(APP, consumer_secret="wrong"))
        with pytest.raises(DarajaRefused) as refusal:
            await client.stk_push(PUSH)
        result = await client.stk_query(StkQuery(PAYBILL, "ws_CO_1"))
    assert (refusal.value.code, refusal.value.reason) == ("daraja.credentials_refused", Reason.CONFIG)
    assert (result.standing, result.note) == (Standing.UNKNOWN, QueryNote.CREDENTIALS_REFUSED)
    assert (await seen(simulator, "oauth"), await seen(simulator, "stkpush")) == (2, 0)


@pytest.mark.parametrize("kind", ["html", "reset"])
async def test_minting_survives_two_bad_answers(kind: str, client: DarajaClient, simulator: SimulatorProcess):
    await simulator.control.fault("oauth", kind, count=2)
    await client.probe()
    assert await seen(simulator, "oauth") == 3


async def test_minting_gives_up_after_three(client: DarajaClient, simulator: SimulatorProcess):
    await simulator.control.fault("oauth", "html", count=9)
    with pytest.raises(DarajaUnavailable) as fault:
        await client.stk_push(PUSH)
    assert fault.value.code == "daraja.no_token"
    assert (await seen(simulator, "oauth"), await seen(simulator, "stkpush")) == (3, 0)


async def test_a_gateway_that_asks_for_patience_is_not_asked_again(client: DarajaClient, simulator: SimulatorProcess):
    await simulator.control.fault("oauth", "spike_429")
    result = await client.stk_query(StkQuery(PAYBILL, "ws_CO_1"))
    assert (result.note, result.retry_after_seconds) == (QueryNote.THROTTLED, 12)
    assert (await seen(simulator, "oauth"), await seen(simulator, "stkquery")) == (1, 0)


async def test_a_life_written_as_a_number_is_read(client: DarajaClient, simulator: SimulatorProcess):
    await simulator.control.settings(expires_in_as_number=True)
    await client.probe()
    await client.probe()
    assert await seen(simulator, "oauth") == 1


@pytest.mark.parametrize(
    ("account", "reason"),
    [
        (replace(PAYBILL, passkey="wrong"), Reason.CONFIG),
        (replace(PAYBILL, shortcode="999999"), Reason.CONFIG),
    ],
)
async def test_a_wrong_set_up_is_refused_and_the_owners_business(
    account: CollectionAccount, reason: Reason, client: DarajaClient, simulator: SimulatorProcess
):
    with pytest.raises(DarajaRefused) as refusal:
        await client.stk_push(replace(PUSH, account=account))
    assert (refusal.value.error_code, refusal.value.reason) == ("500.001.1001", reason)
    assert await prompts_opened(simulator) == 0


async def test_a_second_prompt_on_one_phone_is_refused(client: DarajaClient, simulator: SimulatorProcess):
    push = replace(PUSH, msisdn="254711222355")
    await client.stk_push(push)
    with pytest.raises(DarajaRefused) as refusal:
        await client.stk_push(push)
    assert refusal.value.reason is Reason.LOCK
    assert await prompts_opened(simulator) == 1


async def test_a_callback_address_with_a_bad_word_never_leaves(client: DarajaClient, simulator: SimulatorProcess):
    with pytest.raises(InvalidCallbackUrl):
        await client.stk_push(replace(PUSH, callback_url="http://127.0.0.1:1/mpesa/x"))
    assert (await seen(simulator, "oauth"), await seen(simulator, "stkpush")) == (0, 0)


async def test_a_query_waits_for_the_answer_through_each_shape(client: DarajaClient, simulator: SimulatorProcess):
    await simulator.control.settings(query_limit=False)
    await simulator.control.freeze()
    accepted = await client.stk_push(replace(PUSH, msisdn="254711222355"))
    query = StkQuery(PAYBILL, accepted.checkout_request_id)
    assert (await client.stk_query(query)).note is QueryNote.TOO_EARLY_OR_WRONG_ID
    await simulator.control.advance(2)
    assert (await client.stk_query(query)).standing is Standing.PENDING
    await simulator.control.settings(pending_as_500=True)
    assert (await client.stk_query(query)).standing is Standing.PENDING
    await simulator.control.answer(accepted.checkout_request_id, "cancel")
    result = await client.stk_query(query)
    assert (result.standing, result.reason) == (Standing.FAILED, Reason.CANCELLED)


@pytest.mark.parametrize(
    ("kind", "options", "note"),
    [
        ("html", {}, QueryNote.UNREADABLE),
        ("html", {"status": 200}, QueryNote.UNREADABLE),
        ("empty_message", {}, QueryNote.NO_ANSWER),
        ("empty_400", {}, QueryNote.NO_ANSWER),
        ("hang", {"seconds": 3}, QueryNote.NO_ANSWER),
        ("reset", {}, QueryNote.NO_ANSWER),
        ("spike_429", {}, QueryNote.THROTTLED),
        ("busy", {}, QueryNote.THROTTLED),
        ("result", {"code": "31337"}, QueryNote.RESULT),
    ],
)
async def test_no_trouble_on_the_way_is_a_failure_of_the_payment(
    kind: str, options: dict[str, object], note: QueryNote, client: DarajaClient, simulator: SimulatorProcess
):
    accepted = await client.stk_push(replace(PUSH, msisdn="254711222355"))
    await simulator.control.advance(5)
    await simulator.control.fault("stkquery", kind, **options)
    result = await client.stk_query(StkQuery(PAYBILL, accepted.checkout_request_id))
    assert (result.standing, result.note) == (Standing.UNKNOWN, note)
    assert await seen(simulator, "stkquery") == 1


async def test_two_queries_at_once_meet_the_spike_arrest(client: DarajaClient, simulator: SimulatorProcess):
    query = StkQuery(PAYBILL, "ws_CO_221120260900001711222355")
    first, second = await client.stk_query(query), await client.stk_query(query)
    assert first.note is QueryNote.NO_SUCH_TRANSACTION
    assert (second.note, second.retry_after_seconds) == (QueryNote.THROTTLED, 12)


async def test_a_query_renews_a_killed_token(client: DarajaClient, simulator: SimulatorProcess):
    accepted = await client.stk_push(replace(PUSH, msisdn="254711222355"))
    await simulator.control.advance(5)
    await simulator.control.fault("stkquery", "killed_token")
    result = await client.stk_query(StkQuery(PAYBILL, accepted.checkout_request_id))
    assert result.standing is Standing.PENDING
    assert (await seen(simulator, "oauth"), await seen(simulator, "stkquery")) == (2, 2)


@pytest.mark.parametrize("suffix", ["41", "42", "45"])
async def test_early_doubled_and_differing_callbacks_are_read(
    suffix: str, client: DarajaClient, simulator: SimulatorProcess, receiver: CallbackReceiver
):
    push = replace(PUSH, msisdn=f"2547112223{suffix}", callback_url=receiver.url())
    accepted = await client.stk_push(push)
    callbacks = [parse_stk_callback((await receiver.next()).raw) for _ in range(2 if suffix == "42" else 1)]
    assert len(set(callbacks)) == 1
    assert callbacks[0].checkout_request_id == accepted.checkout_request_id
    assert callbacks[0].standing is Standing.PAID
    assert (callbacks[0].amount_cents == 100_00) == (suffix != "45")
