"""Have Safaricom tell us of payments to a paybill or till: remembered first, asked by a job, remembered again."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from payme.features import audit
from payme.features.payments.errors import MethodNotConfigured, MethodWithoutNotices
from payme.features.payments.repository import methods, registrations
from payme.features.payments.repository.registrations import StoredRegistration
from payme.features.payments.schemas import MethodKind, RegistrationView
from payme.features.payments.services.gateway import Collector, DarajaAccess, collector_with
from payme.integrations.daraja import C2bResponse, C2bUrls, UrlsRegistration
from payme.kit.ids import new_id
from payme.runtime.database import Database, UnitOfWork
from payme.runtime.events import open_route

REGISTER_JOB: Final = "payments.register_c2b"
C2B_KIND: Final = "c2b"
_TOLD_OF: Final = frozenset({"paybill", "till"})


@dataclass(frozen=True, slots=True)
class RegistrationErrand:
    """Everything that the call needs, so that no transaction is open while it runs."""

    collector: Collector
    token: str
    is_strict: bool


async def request_registration(uow: UnitOfWork, kind: MethodKind) -> RegistrationView:
    """Have Safaricom asked after this transaction to tell of payments. Raises: MethodWithoutNotices, MethodNotConfigured."""
    if kind not in _TOLD_OF:
        raise MethodWithoutNotices(kind=kind)
    collector = await collector_with(uow, kind)
    new = StoredRegistration(
        new_id(), kind, collector.account.shortcode, collector.account.till_number, "requested", uow.now
    )
    await registrations.insert_registration(uow, new)
    uow.enqueue(REGISTER_JOB, {"registration_id": str(new.id)})
    audit.record(uow, "payment_method.c2b_requested", new.id, kind=kind, shortcode=new.shortcode)
    uow.touch("payment_methods", uow.tenant)
    return (await registrations.list_registrations(uow, kind))[0]


async def begin_registration(uow: UnitOfWork, registration_id: UUID) -> RegistrationErrand | None:
    """Return what to ask, with a fresh secret for the addresses; None when it was answered before or has no credentials any more."""
    known = await registrations.find_registration(uow, registration_id)
    if known is None or known.state != "requested":
        return None
    try:
        collector = await collector_with(uow, known.kind)
    except MethodNotConfigured as refusal:
        await record_registration(uow, registration_id, "failed", note=refusal.code)
        return None
    token = await open_route(uow, kind=C2B_KIND, subject_id=registration_id)
    return RegistrationErrand(collector, token, await methods.is_strict(uow, known.kind))


async def register(access: DarajaAccess, database: Database, errand: RegistrationErrand) -> UrlsRegistration:
    """Ask Safaricom. Raises: InvalidCallbackUrl, DarajaUnavailable, DarajaRefused, DarajaUnknown."""
    urls = C2bUrls(
        errand.collector.account.shortcode,
        confirmation_url=access.callback_url(errand.token, "c2b/confirm"),
        validation_url=access.callback_url(errand.token, "c2b/validate"),
        response_type=C2bResponse.CANCELLED if errand.is_strict else C2bResponse.COMPLETED,
    )
    return await access.client(database, errand.collector).register_c2b_urls(urls)


async def record_registration(uow: UnitOfWork, registration_id: UUID, state: str, *, note: str = "") -> None:
    """Record what came of it, once."""
    if await registrations.end_registration(uow, registration_id, state, note=note[:300]):
        audit.record(uow, f"payment_method.c2b_{state}", registration_id, note=note[:300])
        uow.touch("payment_methods", uow.tenant)


async def list_registrations(uow: UnitOfWork, kind: MethodKind) -> list[RegistrationView]:
    """Return what Safaricom was asked about a way to be paid, newest first."""
    return await registrations.list_registrations(uow, kind)
