"""Proof that a member is there at this moment: a PIN or a password, looked at with no transaction open.

Invariant: a proof is worth the one request that it came with; nothing of it is stored.
"""

import asyncio
from uuid import UUID

import structlog
from pydantic import SecretStr

from payme.features.identity.errors import MemberNotFound, ProofWrong
from payme.features.identity.repository import members, users
from payme.features.identity.rules import is_pin
from payme.features.identity.schemas import Proven
from payme.features.identity.services.tools import identity_of
from payme.runtime.database import Database, UnitOfWork

_log = structlog.get_logger("payme.security")


async def prove_member(
    database: Database, user_id: UUID, proof: SecretStr, *, business_id: UUID, address: str
) -> Proven:
    """Return who is there, given their PIN in this business or their password.

    Tries count at the gate in front of passwords, under a name of their own, so that whoever guesses at a till does not lock the
    member out of everything else. Raises: MemberNotFound, ProofWrong, TooManyFailures.
    """
    identity, secret = identity_of(database), proof.get_secret_value()
    account = f"proof:{business_id}:{user_id}"

    async def look(uow: UnitOfWork) -> str | None:
        member = await members.find_member(uow, user_id)
        if member is None:
            raise MemberNotFound
        if is_pin(secret):
            return member.pin_hash
        user = await users.get_user(uow, user_id)
        return user.password_hash if user.status == "active" else None

    stored = await database.run(look, business_id=business_id, read_only=True)
    await identity.gate.enter(account, address)
    if not await asyncio.to_thread(identity.passwords.verify, secret, stored):
        await identity.gate.failed(address)
        _log.warning("security.proof_wrong", business_id=str(business_id), user_id=str(user_id), address=address)
        raise ProofWrong
    await identity.gate.succeeded(account)
    return Proven(business_id=business_id, user_id=user_id)


def proven_at_device(business_id: UUID, user_id: UUID) -> Proven:
    """Return that a member was there by the word of a registered device, which has looked at their PIN without a network.

    What such a word is worth is bounded by the device's limits, and by what its revocation leaves to be looked at.
    """
    return Proven(business_id=business_id, user_id=user_id)
