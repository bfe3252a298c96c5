"""SQL of the ways to be paid, and of the Daraja apps behind them: one token, one limiter, shared by every process."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from payme.features.payments.schemas import MethodView
from payme.runtime.database import UnitOfWork


@dataclass(frozen=True, slots=True)
class StoredMethod:
    """A way to be paid, with its secrets still sealed."""

    kind: str
    shortcode: str | None
    till_number: str | None
    account_reference: str | None
    environment: str
    consumer_key_encrypted: bytes | None = field(repr=False)
    consumer_secret_encrypted: bytes | None = field(repr=False)
    passkey_encrypted: bytes | None = field(repr=False)
    pull_number_encrypted: bytes | None = field(repr=False)
    initiator_name: str | None
    initiator_password_encrypted: bytes | None = field(repr=False)
    active: bool
    strict_references: bool
    rev: int

    @property
    def is_complete(self) -> bool:
        """Whether it has all that a call to Safaricom needs."""
        secrets = (self.consumer_key_encrypted, self.consumer_secret_encrypted, self.passkey_encrypted)
        return self.shortcode is not None and all(secrets)

    @property
    def has_operator(self) -> bool:
        """Whether somebody may order payouts and ask questions in its name."""
        return self.is_complete and bool(self.initiator_name and self.initiator_password_encrypted)


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A sealed access token and its life."""

    sealed: bytes
    issued_at: datetime
    expires_at: datetime


async def find_prompting_method(uow: UnitOfWork) -> StoredMethod | None:
    """Return the active paybill or till whose credentials are complete; the paybill where both are."""
    row = await uow.fetchrow(
        """-- payments.find_prompting_method
        select kind, shortcode, till_number, account_reference, environment, consumer_key_encrypted, consumer_secret_encrypted,
          passkey_encrypted, pull_number_encrypted, initiator_name, initiator_password_encrypted, active, strict_references, rev
        from payment_methods
        where business_id = $1 and kind in ('paybill', 'till') and active and shortcode is not null
          and consumer_key_encrypted is not null and consumer_secret_encrypted is not null and passkey_encrypted is not null
        order by kind limit 1""",
        uow.tenant,
    )
    return StoredMethod(**row) if row else None


async def lock_method(uow: UnitOfWork, kind: str) -> StoredMethod | None:
    """Lock and return a way to be paid, or None."""
    row = await uow.fetchrow(
        """-- payments.lock_method
        select kind, shortcode, till_number, account_reference, environment, consumer_key_encrypted, consumer_secret_encrypted,
          passkey_encrypted, pull_number_encrypted, initiator_name, initiator_password_encrypted, active, strict_references, rev
        from payment_methods where business_id = $1 and kind = $2 for update""",
        uow.tenant, kind,
    )  # fmt: skip
    return StoredMethod(**row) if row else None


async def upsert_method(uow: UnitOfWork, method: StoredMethod) -> None:
    """Insert or replace a way to be paid; a secret that is None keeps the one stored."""
    await uow.execute(
        """-- payments.upsert_method
        insert into payment_methods as kept (business_id, kind, shortcode, till_number, account_reference, environment,
          consumer_key_encrypted, consumer_secret_encrypted, passkey_encrypted, active, strict_references, changed_at,
          pull_number_encrypted, initiator_name, initiator_password_encrypted)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
        on conflict (business_id, kind) do update set shortcode = excluded.shortcode, till_number = excluded.till_number,
          account_reference = excluded.account_reference, environment = excluded.environment,
          consumer_key_encrypted = coalesce(excluded.consumer_key_encrypted, kept.consumer_key_encrypted),
          consumer_secret_encrypted = coalesce(excluded.consumer_secret_encrypted, kept.consumer_secret_encrypted),
          passkey_encrypted = coalesce(excluded.passkey_encrypted, kept.passkey_encrypted),
          pull_number_encrypted = coalesce(excluded.pull_number_encrypted, kept.pull_number_encrypted),
          initiator_name = coalesce(excluded.initiator_name, kept.initiator_name),
          initiator_password_encrypted = coalesce(excluded.initiator_password_encrypted, kept.initiator_password_encrypted),
          active = excluded.active, strict_references = excluded.strict_references, changed_at = excluded.changed_at, rev = kept.rev + 1""",
        uow.tenant, method.kind, method.shortcode, method.till_number, method.account_reference, method.environment,
        method.consumer_key_encrypted, method.consumer_secret_encrypted, method.passkey_encrypted, method.active,
        method.strict_references, uow.now, method.pull_number_encrypted, method.initiator_name, method.initiator_password_encrypted,
    )  # fmt: skip


async def list_methods(uow: UnitOfWork) -> list[MethodView]:
    """Return the ways to be paid, without secrets."""
    rows = await uow.fetch(
        """-- payments.list_methods
        select kind, shortcode, till_number, account_reference, environment, active, strict_references, changed_at, rev,
          (consumer_key_encrypted is not null and consumer_secret_encrypted is not null and passkey_encrypted is not null)
            as has_credentials, pull_number_encrypted is not null as is_pulled,
          initiator_name is not null and initiator_password_encrypted is not null as has_initiator
        from payment_methods where business_id = $1 order by kind""",
        uow.tenant,
    )
    return [MethodView(**row) for row in rows]


async def is_strict(uow: UnitOfWork, kind: str) -> bool:
    """Say whether money with a reference that names nothing is to be turned away."""
    found = await uow.fetchval(
        """-- payments.is_strict
        select strict_references from payment_methods where business_id = $1 and kind = $2""",
        uow.tenant, kind,
    )  # fmt: skip
    return bool(found)


async def find_token(uow: UnitOfWork, app_key: str) -> StoredToken | None:
    """Return the token of an app that was kept last."""
    row = await uow.fetchrow(
        """-- payments.find_token
        select access_token_encrypted as sealed, token_issued_at as issued_at, token_expires_at as expires_at
        from daraja_apps where business_id = $1 and app_key = $2 and access_token_encrypted is not null""",
        uow.tenant, app_key,
    )  # fmt: skip
    return StoredToken(**row) if row else None


async def take_lease(uow: UnitOfWork, app_key: str, *, holder: UUID, life: timedelta) -> bool:
    """Give the right to renew a token to one holder, where nobody else has it or its time has run out."""
    return await uow.execute(
        """-- payments.take_lease
        insert into daraja_apps as kept (business_id, app_key, lease_holder, lease_until)
        values ($1, $2, $3, clock_timestamp() + $4::interval)
        on conflict (business_id, app_key) do update set lease_holder = excluded.lease_holder, lease_until = excluded.lease_until
        where kept.lease_until is null or kept.lease_until < clock_timestamp() or kept.lease_holder = excluded.lease_holder""",
        uow.tenant, app_key, holder, life,
    ) > 0  # fmt: skip


async def store_token(uow: UnitOfWork, app_key: str, token: StoredToken, *, holder: UUID) -> bool:
    """Keep a token, if the lease is still the holder's."""
    return await uow.execute(
        """-- payments.store_token
        update daraja_apps set access_token_encrypted = $4, token_issued_at = $5, token_expires_at = $6
        where business_id = $1 and app_key = $2 and lease_holder = $3 and lease_until >= clock_timestamp()""",
        uow.tenant, app_key, holder, token.sealed, token.issued_at, token.expires_at,
    ) > 0  # fmt: skip


async def release_lease(uow: UnitOfWork, app_key: str, holder: UUID) -> None:
    """End the holder's lease."""
    await uow.execute(
        """-- payments.release_lease
        update daraja_apps set lease_until = null, lease_holder = null
        where business_id = $1 and app_key = $2 and lease_holder = $3""",
        uow.tenant, app_key, holder,
    )  # fmt: skip
