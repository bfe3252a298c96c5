"""Say whether money that is about to come is welcome. Only a shop that wants strict references turns any away."""

from uuid import UUID

from payme.features.payments.repository import methods, prompts, registrations
from payme.features.payments.services.match_prompt import REFERENCE_LIVES
from payme.features.payments.services.purposes import Desk
from payme.integrations.daraja import MalformedCallback, ValidationRejection, parse_c2b
from payme.runtime.database import UnitOfWork


async def find_objection(uow: UnitOfWork, registration_id: UUID, body: bytes) -> ValidationRejection | None:
    """Return why a payment to a strict short code is not welcome; None lets it through, and so does what nobody can read."""
    registration = await registrations.find_registration(uow, registration_id)
    if registration is None or not await methods.is_strict(uow, registration.kind):
        return None
    try:
        notice = parse_c2b(body)
    except MalformedCallback:
        return None
    if notice.shortcode not in registration.shortcodes:
        return ValidationRejection.INVALID_SHORTCODE
    reference = notice.bill_reference.strip()
    if await prompts.list_by_reference(uow, reference.upper(), since=uow.now - REFERENCE_LIVES):
        return None
    if await uow.tool(Desk).find_expected(uow, reference) is not None:
        return None
    return ValidationRejection.INVALID_ACCOUNT_NUMBER
