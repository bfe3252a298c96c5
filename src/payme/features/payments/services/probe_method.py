"""Try a way to be paid with real calls that move nothing, and say in words what is wrong.

No phone rings: a question about a prompt that never was shows whether short code and passkey are taken. An operator is proved by
asking for the balance, whose answer comes later; a wrong password locks an operator, so it is asked once a probe.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from payme.features import audit
from payme.features.payments.errors import MethodNotConfigured, OperatorMissing
from payme.features.payments.repository import methods, probes, registrations
from payme.features.payments.schemas import CheckMark, CheckName, MethodKind, ProbeCheck, ProbeView, RegistrationView
from payme.features.payments.services.gateway import Collector, DarajaAccess, collector_with, pull_number_of
from payme.features.payments.services.operators import Operator, operator_of
from payme.features.payments.services.send_payout import RESULT_KIND, result_urls
from payme.integrations.daraja import (
    BalanceQuery,
    DarajaClient,
    DarajaRefused,
    DarajaUnavailable,
    DarajaUnknown,
    Product,
    PullRegistration,
    QueryNote,
    StkQuery,
    advice_for,
    callback_url_faults,
    parse_result,
)
from payme.kit.ids import new_id
from payme.runtime.database import Database, UnitOfWork
from payme.runtime.events import InboxItem, open_route

PROBE_JOB: Final = "payments.probe_method"
_ASKABLE: Final = frozenset({"paybill", "till"})
_KNOWS_NO_SUCH: Final = frozenset({QueryNote.NO_SUCH_TRANSACTION, QueryNote.TOO_EARLY_OR_WRONG_ID, QueryNote.RESULT})
_REFUSALS: Final = frozenset({QueryNote.REFUSED, QueryNote.CREDENTIALS_REFUSED, QueryNote.TOKEN_REFUSED})


@dataclass(frozen=True, slots=True)
class ProbeErrand:
    """Everything that the calls need, so that no transaction is open while they run."""

    probe_id: UUID
    collector: Collector
    operator: Operator | None
    pull_number: str | None
    token: str
    notices: ProbeCheck


async def request_probe(uow: UnitOfWork, kind: MethodKind) -> ProbeView:
    """Have a way to be paid tried after this transaction. Raises: MethodNotConfigured."""
    method = await methods.lock_method(uow, kind)
    if method is None:
        raise MethodNotConfigured(kind=kind)
    probe_id = new_id()
    await probes.insert_probe(uow, probe_id, kind, shortcode=method.shortcode)
    if kind in _ASKABLE:
        uow.enqueue(PROBE_JOB, {"probe_id": str(probe_id)})
    else:
        await probes.store_check(uow, probe_id, _check("declared", "skipped", _NOTHING_TO_ASK))
        await probes.end_probe(uow, probe_id)
    audit.record(uow, "payment_method.probed", probe_id, kind=kind)
    uow.touch("payment_methods", uow.tenant)
    return (await probes.list_probes(uow, kind))[0]


async def begin_probe(uow: UnitOfWork, probe_id: UUID) -> ProbeErrand | None:
    """Return what to try; None where it was tried before, or the credentials are not complete."""
    probe = await probes.find_probe(uow, probe_id)
    if probe is None or probe.ended_at is not None:
        return None
    try:
        collector = await collector_with(uow, probe.kind)
    except MethodNotConfigured:
        await probes.store_check(uow, probe_id, _check("credentials", "bad", _INCOMPLETE))
        await probes.end_probe(uow, probe_id)
        return None
    try:
        operator = await operator_of(uow, collector.account.shortcode)
    except (OperatorMissing, MethodNotConfigured):
        operator = None
    asked = await registrations.list_registrations(uow, probe.kind)
    told = [each for each in asked if each.shortcode == collector.account.shortcode]
    token = await open_route(uow, kind=RESULT_KIND, subject_id=probe_id)
    return ProbeErrand(probe_id, collector, operator, await pull_number_of(uow, probe.kind), token, _notices(told))


async def probe(access: DarajaAccess, database: Database, errand: ProbeErrand) -> list[ProbeCheck]:
    """Make every call, each once; what cannot be asked now is said to be so."""
    client = access.client_with_fresh_token(database, errand.collector)
    checks = [_address(access, errand), errand.notices]
    credentials = await _tried("credentials", client.probe, good=_TAKEN)
    checks.append(credentials)
    if credentials.mark != "good":
        return checks
    checks.append(await _prompts(client, errand))
    checks.append(await _operator(access, client, errand))
    checks.append(await _pull(access, client, errand))
    return checks


async def record_probe(uow: UnitOfWork, probe_id: UUID, checks: list[ProbeCheck]) -> None:
    """Record what the calls found."""
    for check in checks:
        await probes.store_check(uow, probe_id, check)
    await probes.end_probe(uow, probe_id)
    uow.touch("payment_methods", uow.tenant)


async def hear_balance(uow: UnitOfWork, item: InboxItem) -> bool:
    """Record the answer to a probe's question for the balance; False where the address belongs to no probe. Raises: MalformedCallback."""
    if await probes.find_probe(uow, item.subject_id) is None:
        return False
    result = parse_result(item.body, Product.BALANCE)
    if result.is_success:
        check = _check("operator", "good", _OPERATOR_TAKEN)
    elif result.reason is not None:
        words = advice_for(result.reason)
        check = _check("operator", "bad", (words.en, words.sw))
    else:
        code = result.result_code
        check = _check("operator", "bad", (f"M-Pesa answered {code}.", f"M-Pesa imejibu {code}."))
    await probes.store_check(uow, item.subject_id, check)
    uow.touch("payment_methods", uow.tenant)
    return True


async def list_probes(uow: UnitOfWork, kind: MethodKind) -> list[ProbeView]:
    """Return what was found when a way to be paid was tried, newest first."""
    return await probes.list_probes(uow, kind)


def _check(name: CheckName, mark: CheckMark, words: tuple[str, str]) -> ProbeCheck:
    return ProbeCheck(name=name, mark=mark, found=words[0], found_sw=words[1])


def _address(access: DarajaAccess, errand: ProbeErrand) -> ProbeCheck:
    url = access.callback_url(errand.token, RESULT_KIND)
    faults = callback_url_faults(url, production=access.options.is_production)
    if faults:
        words = f"Safaricom would refuse our address: {'; '.join(faults)}."
        return _check("address", "bad", (words, _ADDRESS_REFUSED_SW))
    return _check("address", "good", _ADDRESS_FINE)


def _notices(asked: list[RegistrationView]) -> ProbeCheck:
    """Judge what Safaricom was asked about the short code, newest first."""
    if any(each.state == "registered" for each in asked):
        return _check("notices", "good", _TOLD)
    if not asked:
        return _check("notices", "skipped", _NOT_TOLD)
    newest = asked[0]
    if newest.state == "already_registered":
        return _check("notices", "bad", _TOLD_ELSEWHERE)
    if newest.state == "failed":
        return _check("notices", "bad", (f"Safaricom refused our addresses: {newest.note}", _ADDRESS_REFUSED_SW))
    return _check("notices", "skipped", _BEING_ASKED)


async def _tried(name: CheckName, call: Callable[[], Awaitable[object]], *, good: tuple[str, str]) -> ProbeCheck:
    try:
        await call()
    except DarajaRefused as refusal:
        words = advice_for(refusal.reason)
        said = f" ({refusal.text})" if refusal.text else ""
        return _check(name, "bad", (f"{_WHAT[name]}{said}", words.sw))
    except (DarajaUnavailable, DarajaUnknown):
        return _check(name, "skipped", _NOT_REACHED)
    return _check(name, "good", good)


async def _prompts(client: DarajaClient, errand: ProbeErrand) -> ProbeCheck:
    asked = StkQuery(errand.collector.account, f"ws_CO_{errand.probe_id.hex}")
    said = await client.stk_query(asked)
    if said.note in _KNOWS_NO_SUCH:
        return _check("prompts", "good", _PROMPTS_TAKEN)
    if said.note in _REFUSALS or "wrong credentials" in said.text.lower() or "merchant" in said.text.lower():
        return _check("prompts", "bad", (f"{_WHAT['prompts']} ({said.text or said.note})", _PROMPTS_REFUSED_SW))
    return _check("prompts", "skipped", _NOT_REACHED)


async def _operator(access: DarajaAccess, client: DarajaClient, errand: ProbeErrand) -> ProbeCheck:
    operator = errand.operator
    if operator is None:
        return _check("operator", "skipped", _NO_OPERATOR)
    query = BalanceQuery(operator.account, result_urls(access, errand.token))
    tried = await _tried("operator", lambda: client.account_balance(query), good=_OPERATOR_ASKED)
    return tried.model_copy(update={"mark": "waiting"}) if tried.mark == "good" else tried


async def _pull(access: DarajaAccess, client: DarajaClient, errand: ProbeErrand) -> ProbeCheck:
    if errand.pull_number is None:
        return _check("pull", "skipped", _NO_PULL)
    registration = PullRegistration(
        errand.collector.account.shortcode, errand.pull_number, access.callback_url(errand.token, RESULT_KIND)
    )
    return await _tried("pull", lambda: client.pull_register(registration), good=_PULLED)


_WHAT: Final[dict[str, str]] = {
    "credentials": "Safaricom does not take this consumer key and secret. Are they of this app, and of this world, sandbox or production?",
    "prompts": "Safaricom does not take this short code with this passkey. For a till, the short code is the store or head-office number.",
    "operator": "Safaricom does not take the operator's order. Is the product on the app?",
    "pull": "Pull is not open for this short code: have the product added to the app, and give the phone of the short code's papers.",
}
_INCOMPLETE: Final = (
    "Short code, passkey, consumer key or secret is missing.",
    "Nambari, passkey, consumer key au secret haipo.",
)
_TAKEN: Final = ("Safaricom takes the consumer key and secret.", "Safaricom inakubali consumer key na secret.")
_PROMPTS_TAKEN: Final = ("Short code and passkey are taken.", "Nambari na passkey zinakubalika.")
_PROMPTS_REFUSED_SW: Final = (
    "Safaricom haikubali nambari hii na passkey hii. Kwa till, tumia nambari ya duka (store number)."
)
_OPERATOR_ASKED: Final = (
    "The operator's password was sent; the answer comes within minutes.",
    "Jibu la operator litakuja baada ya dakika chache.",
)
_OPERATOR_TAKEN: Final = ("The operator may act for this short code.", "Operator anaruhusiwa kwa nambari hii.")
_NO_OPERATOR: Final = (
    "No operator, or no certificate, is set up: nothing can be paid out, sent back or asked by receipt.",
    "Hakuna operator au cheti: huwezi kulipa, kurudisha wala kuuliza kwa msimbo.",
)
_NO_PULL: Final = (
    "Missed payments are not pulled: no phone is given.",
    "Malipo yaliyokosa taarifa hayatafutwi: hakuna simu.",
)
_PULLED: Final = ("Missed payments are pulled.", "Malipo yaliyokosa taarifa yanatafutwa.")
_ADDRESS_FINE: Final = ("Our address keeps Safaricom's rules.", "Anwani yetu inafuata kanuni za Safaricom.")
_ADDRESS_REFUSED_SW: Final = "Safaricom haitakubali anwani yetu."
_TOLD: Final = ("Safaricom tells of payments to this short code.", "Safaricom hutuarifu malipo ya nambari hii.")
_NOT_TOLD: Final = (
    "Safaricom was not asked to tell of payments that customers make by themselves.",
    "Safaricom haijaombwa kutuarifu malipo ambayo wateja hulipa wenyewe.",
)
_TOLD_ELSEWHERE: Final = (
    "Other addresses stand with Safaricom for this short code: have them deleted, then register again.",
    "Safaricom ina anwani nyingine za nambari hii: omba zifutwe, kisha sajili tena.",
)
_BEING_ASKED: Final = (
    "Safaricom is being asked to tell of payments; try again in a minute.",
    "Safaricom inaombwa kutuarifu malipo; jaribu tena baada ya dakika moja.",
)
_NOT_REACHED: Final = ("M-Pesa could not be asked now; try again.", "M-Pesa haikupatikana sasa; jaribu tena.")
_NOTHING_TO_ASK: Final = (
    "Safaricom has no way to ask about this: payments stay declared until the day is reconciled.",
    "Safaricom haina njia ya kuuliza: malipo hubaki kama yalivyotangazwa hadi siku ihakikiwe.",
)
