"""Phone numbers, credentials and access tokens of payments under an older key."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from payme.runtime.database import UnitOfWork
from payme.runtime.database.sealed import SealedRow, SealedTable, Stale
from payme.runtime.security import row_named

_LOWEST_ID = UUID(int=0)
_SECRETS: Final = (
    "consumer_key_encrypted", "consumer_secret_encrypted", "passkey_encrypted", "pull_number_encrypted",
    "initiator_password_encrypted",
)  # fmt: skip
_PHONE: Final = "phone_encrypted"
_TOKEN: Final = "access_token_encrypted"


async def lock_stale_payments(uow: UnitOfWork, stale: Stale) -> list[SealedRow]:
    """Return payments whose phone number is under another key, in the order of their ids, and hold those that nobody holds."""
    rows = await uow.fetch(
        """-- payments.lock_stale_payments
        select id, phone_encrypted from payments
        where business_id = $1 and id > $3 and substring(phone_encrypted for length($2::bytea)) <> $2::bytea
        order by id limit $4 for update skip locked""",
        uow.tenant, stale.envelope, stale.after or _LOWEST_ID, stale.limit,
    )  # fmt: skip
    return [SealedRow(row["id"], row["id"], {_PHONE: row[_PHONE]}) for row in rows]


async def store_sealed_payments(uow: UnitOfWork, rows: Sequence[SealedRow]) -> None:
    """Replace the encrypted phone numbers of payments that are held."""
    await uow.execute(
        """-- payments.store_sealed_payments
        update payments p set phone_encrypted = t.phone from unnest($2::uuid[], $3::bytea[]) t (id, phone)
        where p.business_id = $1 and p.id = t.id""",
        uow.tenant, [row.row_id for row in rows], [row.values[_PHONE] for row in rows],
    )  # fmt: skip


async def count_payments_by_key(uow: UnitOfWork) -> dict[str, int]:
    """Return how many phone numbers of payments there are under each key id."""
    rows = await uow.fetch(
        """-- payments.count_payments_by_key
        select encode(substring(phone_encrypted from 3 for get_byte(phone_encrypted, 1)), 'escape') as key_id, count(*) as values
        from payments where business_id = $1 and length(phone_encrypted) > 2 group by key_id""",
        uow.tenant,
    )
    return {row["key_id"]: row["values"] for row in rows}


async def lock_stale_payouts(uow: UnitOfWork, stale: Stale) -> list[SealedRow]:
    """Return payouts whose phone number is under another key, in the order of their ids, and hold those that nobody holds."""
    rows = await uow.fetch(
        """-- payments.lock_stale_payouts
        select id, phone_encrypted from payouts
        where business_id = $1 and id > $3 and substring(phone_encrypted for length($2::bytea)) <> $2::bytea
        order by id limit $4 for update skip locked""",
        uow.tenant, stale.envelope, stale.after or _LOWEST_ID, stale.limit,
    )  # fmt: skip
    return [SealedRow(row["id"], row["id"], {_PHONE: row[_PHONE]}) for row in rows]


async def store_sealed_payouts(uow: UnitOfWork, rows: Sequence[SealedRow]) -> None:
    """Replace the encrypted phone numbers of payouts that are held."""
    await uow.execute(
        """-- payments.store_sealed_payouts
        update payouts p set phone_encrypted = t.phone from unnest($2::uuid[], $3::bytea[]) t (id, phone)
        where p.business_id = $1 and p.id = t.id""",
        uow.tenant, [row.row_id for row in rows], [row.values[_PHONE] for row in rows],
    )  # fmt: skip


async def count_payouts_by_key(uow: UnitOfWork) -> dict[str, int]:
    """Return how many phone numbers of payouts there are under each key id."""
    rows = await uow.fetch(
        """-- payments.count_payouts_by_key
        select encode(substring(phone_encrypted from 3 for get_byte(phone_encrypted, 1)), 'escape') as key_id, count(*) as values
        from payouts where business_id = $1 and length(phone_encrypted) > 2 group by key_id""",
        uow.tenant,
    )
    return {row["key_id"]: row["values"] for row in rows}


async def lock_stale_methods(uow: UnitOfWork, stale: Stale) -> list[SealedRow]:
    """Return ways to be paid with a credential under another key, in the order of their kinds, and hold them."""
    rows = await uow.fetch(
        """-- payments.lock_stale_methods
        select kind, consumer_key_encrypted, consumer_secret_encrypted, passkey_encrypted, pull_number_encrypted,
          initiator_password_encrypted
        from payment_methods
        where business_id = $1 and kind > $3 and (substring(consumer_key_encrypted for length($2::bytea)) <> $2::bytea
          or substring(consumer_secret_encrypted for length($2::bytea)) <> $2::bytea
          or substring(passkey_encrypted for length($2::bytea)) <> $2::bytea
          or substring(pull_number_encrypted for length($2::bytea)) <> $2::bytea
          or substring(initiator_password_encrypted for length($2::bytea)) <> $2::bytea)
        order by kind limit $4 for update skip locked""",
        uow.tenant, stale.envelope, stale.after or "", stale.limit,
    )  # fmt: skip
    return [
        SealedRow(row["kind"], row_named(uow.tenant, row["kind"]), {name: row[name] for name in _SECRETS})
        for row in rows
    ]


async def store_sealed_methods(uow: UnitOfWork, rows: Sequence[SealedRow]) -> None:
    """Replace the encrypted credentials of ways to be paid that are held."""
    await uow.execute(
        """-- payments.store_sealed_methods
        update payment_methods m
        set consumer_key_encrypted = t.key, consumer_secret_encrypted = t.secret, passkey_encrypted = t.passkey,
          pull_number_encrypted = t.pull_number, initiator_password_encrypted = t.password
        from unnest($2::text[], $3::bytea[], $4::bytea[], $5::bytea[], $6::bytea[], $7::bytea[])
          t (kind, key, secret, passkey, pull_number, password)
        where m.business_id = $1 and m.kind = t.kind""",
        uow.tenant, [row.position for row in rows], *([row.values[name] for row in rows] for name in _SECRETS),
    )  # fmt: skip


async def count_methods_by_key(uow: UnitOfWork) -> dict[str, int]:
    """Return how many credentials there are under each key id."""
    rows = await uow.fetch(
        """-- payments.count_methods_by_key
        select encode(substring(v from 3 for get_byte(v, 1)), 'escape') as key_id, count(*) as values
        from payment_methods, lateral (values (consumer_key_encrypted), (consumer_secret_encrypted), (passkey_encrypted),
          (pull_number_encrypted), (initiator_password_encrypted)) s (v)
        where business_id = $1 and length(v) > 2 group by key_id""",
        uow.tenant,
    )
    return {row["key_id"]: row["values"] for row in rows}


async def lock_stale_tokens(uow: UnitOfWork, stale: Stale) -> list[SealedRow]:
    """Return apps whose access token is under another key, in the order of their names, and hold those that nobody holds."""
    rows = await uow.fetch(
        """-- payments.lock_stale_tokens
        select app_key, access_token_encrypted from daraja_apps
        where business_id = $1 and app_key > $3 and substring(access_token_encrypted for length($2::bytea)) <> $2::bytea
        order by app_key limit $4 for update skip locked""",
        uow.tenant, stale.envelope, stale.after or "", stale.limit,
    )  # fmt: skip
    return [SealedRow(row["app_key"], row_named(uow.tenant, row["app_key"]), {_TOKEN: row[_TOKEN]}) for row in rows]


async def store_sealed_tokens(uow: UnitOfWork, rows: Sequence[SealedRow]) -> None:
    """Replace the encrypted access tokens of apps that are held."""
    await uow.execute(
        """-- payments.store_sealed_tokens
        update daraja_apps a set access_token_encrypted = t.token from unnest($2::text[], $3::bytea[]) t (app_key, token)
        where a.business_id = $1 and a.app_key = t.app_key""",
        uow.tenant, [row.position for row in rows], [row.values[_TOKEN] for row in rows],
    )  # fmt: skip


async def count_tokens_by_key(uow: UnitOfWork) -> dict[str, int]:
    """Return how many access tokens there are under each key id."""
    rows = await uow.fetch(
        """-- payments.count_tokens_by_key
        select encode(substring(access_token_encrypted from 3 for get_byte(access_token_encrypted, 1)), 'escape') as key_id,
          count(*) as values
        from daraja_apps where business_id = $1 and length(access_token_encrypted) > 2 group by key_id""",
        uow.tenant,
    )
    return {row["key_id"]: row["values"] for row in rows}


SEALED: Final = (
    SealedTable(
        name="payments", columns=(_PHONE,), of_businesses=True,
        lock_stale=lock_stale_payments, store=store_sealed_payments, count_by_key=count_payments_by_key,
    ),
    SealedTable(
        name="payouts", columns=(_PHONE,), of_businesses=True,
        lock_stale=lock_stale_payouts, store=store_sealed_payouts, count_by_key=count_payouts_by_key,
    ),
    SealedTable(
        name="payment_methods", columns=_SECRETS, of_businesses=True,
        lock_stale=lock_stale_methods, store=store_sealed_methods, count_by_key=count_methods_by_key,
    ),
    SealedTable(
        name="daraja_apps", columns=(_TOKEN,), of_businesses=True,
        lock_stale=lock_stale_tokens, store=store_sealed_tokens, count_by_key=count_tokens_by_key,
    ),
)  # fmt: skip
