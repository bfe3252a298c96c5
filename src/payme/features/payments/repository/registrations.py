"""SQL of C2B registrations: where Safaricom was asked to tell us of payments to a short code."""

from datetime import datetime
from uuid import UUID

from payme.features.payments.schemas import RegistrationView
from payme.kit.values import value
from payme.runtime.database import UnitOfWork


@value
class StoredRegistration:
    """A registration."""

    id: UUID
    kind: str
    shortcode: str
    till_number: str | None
    state: str
    created_at: datetime

    @property
    def shortcodes(self) -> list[str]:
        """The numbers under which its money may be told of: the short code's, and the till's."""
        return [self.shortcode, *([self.till_number] if self.till_number else [])]


async def insert_registration(uow: UnitOfWork, new: StoredRegistration) -> None:
    """Add a registration that is about to be asked for."""
    await uow.execute(
        """-- payments.insert_registration
        insert into c2b_registrations (business_id, id, kind, shortcode, till_number, created_at) values ($1, $2, $3, $4, $5, $6)""",
        uow.tenant, new.id, new.kind, new.shortcode, new.till_number, new.created_at,
    )  # fmt: skip


async def find_registration(uow: UnitOfWork, registration_id: UUID) -> StoredRegistration | None:
    """Return a registration, or None."""
    row = await uow.fetchrow(
        """-- payments.find_registration
        select id, kind, shortcode, till_number, state, created_at from c2b_registrations where business_id = $1 and id = $2""",
        uow.tenant, registration_id,
    )  # fmt: skip
    return StoredRegistration(**row) if row else None


async def end_registration(uow: UnitOfWork, registration_id: UUID, state: str, *, note: str) -> bool:
    """Record what Safaricom said, once; return whether it was news."""
    return await uow.execute(
        """-- payments.end_registration
        update c2b_registrations set state = $3, note = $4, ended_at = $5, rev = rev + 1
        where business_id = $1 and id = $2 and state = 'requested'""",
        uow.tenant, registration_id, state, note, uow.now,
    ) > 0  # fmt: skip


async def list_registrations(uow: UnitOfWork, kind: str) -> list[RegistrationView]:
    """Return the registrations of a way to be paid, newest first, twenty at most."""
    rows = await uow.fetch(
        """-- payments.list_registrations
        select id, kind, shortcode, till_number, state, note, created_at, ended_at from c2b_registrations
        where business_id = $1 and kind = $2 order by created_at desc, id desc limit 20""",
        uow.tenant, kind,
    )  # fmt: skip
    return [RegistrationView(**row) for row in rows]


async def list_told(uow: UnitOfWork) -> list[StoredRegistration]:
    """Return for each short code the newest registration that Safaricom took."""
    rows = await uow.fetch(
        """-- payments.list_told
        select distinct on (shortcode) id, kind, shortcode, till_number, state, created_at from c2b_registrations
        where business_id = $1 and state in ('registered', 'already_registered') order by shortcode, created_at desc, id desc""",
        uow.tenant,
    )
    return [StoredRegistration(**row) for row in rows]
