"""Sign-up and login. Passwords are looked at with no transaction open, for hashing takes longer than a sale.

Not here: what somebody may do. A sign-up makes a plain user, whatever else its body says.
"""

import asyncio
import re
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog

from payme.features.identity.errors import EmailInvalid, IdentifierMissing, LoginFailed, PhoneInvalid
from payme.features.identity.repository import users
from payme.features.identity.repository.users import UserRow
from payme.features.identity.schemas import LogIn, SignedIn, SignUp, UserView
from payme.features.identity.services.sessions import open_session
from payme.features.identity.services.tools import Identity, identity_of
from payme.kit.ids import new_id
from payme.kit.phone import normalise_msisdn
from payme.runtime.database import Database, UnitOfWork

_EMAIL: Final = re.compile(r"[^@\s\"(),:;<>\[\]\\]{1,64}@[^@\s]{1,189}\.[^@\s.]{2,63}")
_log = structlog.get_logger("payme.security")


@dataclass(frozen=True, slots=True)
class Visitor:
    """From where somebody asks: the network address, and what their browser or till calls itself."""

    address: str = ""
    label: str = ""


async def sign_up(database: Database, command: SignUp, *, visitor: Visitor) -> SignedIn:
    """Make a plain user and sign them in. Raises: IdentifierMissing, PhoneInvalid, EmailInvalid, IdentifierTaken."""
    identity = identity_of(database)
    phone = _phone_of(command.phone)
    email = _email_of(command.email)
    if phone is None and email is None:
        raise IdentifierMissing
    password_hash = await asyncio.to_thread(identity.passwords.hash, command.password.get_secret_value())

    async def work(uow: UnitOfWork) -> SignedIn:
        user = await add_user(uow, name=command.name, phone=phone, email=email, password_hash=password_hash)
        return await open_session(uow, user_view(identity, user), version=user.session_version, label=visitor.label)

    signed_in = await database.run(work)
    _log.info("security.signed_up", user_id=str(signed_in.user.id))
    return signed_in


async def log_in(database: Database, command: LogIn, *, visitor: Visitor) -> SignedIn:
    """Open a session for whoever knows the password. Raises: LoginFailed, TooManyFailures.

    Nobody learns whether the account exists: not from the answer, and not from how long it takes.
    """
    identity = identity_of(database)
    phone_index, email_index = _indexes(identity, command.identifier)
    account = (phone_index or email_index or b"").hex()
    await identity.gate.enter(account, visitor.address)
    user = await database.run(
        lambda uow: users.find_user_by_index(uow, phone=phone_index, email=email_index), read_only=True
    )
    password = command.password.get_secret_value()
    known = user if user is not None and user.status == "active" else None
    matches = await asyncio.to_thread(identity.passwords.verify, password, known.password_hash if known else None)
    if known is None or not matches:
        await identity.gate.failed(visitor.address)
        _log.warning("security.login_failed", account=account[:12], address=visitor.address)
        raise LoginFailed
    await identity.gate.succeeded(account)
    fresher = None
    if identity.passwords.needs_rehash(known.password_hash):
        fresher = await asyncio.to_thread(identity.passwords.hash, password)

    async def work(uow: UnitOfWork) -> SignedIn:
        if fresher is not None:
            await users.store_password_hash(uow, known.id, old=known.password_hash, new=fresher)
        return await open_session(uow, user_view(identity, known), version=known.session_version, label=visitor.label)

    signed_in = await database.run(work)
    _log.info("security.logged_in", user_id=str(known.id), address=visitor.address)
    return signed_in


async def add_user(uow: UnitOfWork, *, name: str, phone: str | None, email: str | None, password_hash: str) -> UserRow:
    """Store a person, phone number and address encrypted. The phone number is normalised. Raises: IdentifierTaken."""
    identity, user_id = uow.tool(Identity), new_id()
    user = UserRow(
        id=user_id,
        name=name,
        phone_encrypted=_encrypted(identity, user_id, column="phone", value=phone),
        phone_index=_index(identity, column="phone", value=phone),
        email_encrypted=_encrypted(identity, user_id, column="email", value=email),
        email_index=_index(identity, column="email", value=email),
        password_hash=password_hash,
        session_version=1,
        business_ids=[],
        status="active",
        created_at=uow.now,
    )
    await users.insert_user(uow, user)
    return user


async def get_profile(uow: UnitOfWork, user_id: UUID) -> tuple[UserView, list[UUID]]:
    """Return a person as they see themselves, and the businesses to look for them in."""
    user = await users.get_user(uow, user_id)
    return user_view(uow.tool(Identity), user), user.business_ids


def user_view(identity: Identity, user: UserRow) -> UserView:
    """Return a person with phone number and address readable; for their own eyes."""
    return UserView(
        id=user.id,
        name=user.name,
        phone=_decrypted(identity, user.id, column="phone", envelope=user.phone_encrypted),
        email=_decrypted(identity, user.id, column="email", envelope=user.email_encrypted),
        created_at=user.created_at,
    )


def _phone_of(text: str | None) -> str | None:
    if text is None or not text.strip():
        return None
    phone = normalise_msisdn(text)
    if phone is None:
        raise PhoneInvalid
    return phone


def _email_of(text: str | None) -> str | None:
    if text is None or not text.strip():
        return None
    if not _EMAIL.fullmatch(text.strip()):
        raise EmailInvalid
    return text.strip()


def _indexes(identity: Identity, identifier: str) -> tuple[bytes | None, bytes | None]:
    phone = None if "@" in identifier else normalise_msisdn(identifier)
    if phone is not None:
        return _index(identity, column="phone", value=phone), None
    return None, _index(identity, column="email", value=identifier)


def _index(identity: Identity, *, column: str, value: str | None) -> bytes | None:
    return None if value is None else identity.index.fingerprint(value, table="users", column=column, business_id=None)


def _encrypted(identity: Identity, user_id: UUID, *, column: str, value: str | None) -> bytes | None:
    if value is None:
        return None
    return identity.cipher.encrypt(value, table="users", column=column, business_id=None, row_id=user_id)


def _decrypted(identity: Identity, user_id: UUID, *, column: str, envelope: bytes | None) -> str | None:
    if envelope is None:
        return None
    return identity.cipher.decrypt(envelope, table="users", column=column, business_id=None, row_id=user_id)
