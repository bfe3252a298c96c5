"""From a payment to the M-Pesa account that collects it, and to the client that speaks for that account.

Credentials are decrypted here and go nowhere else. The access token of an app is shared by all processes through a row.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

from payme.features.businesses import PLATFORM_BUSINESS_ID
from payme.features.payments.errors import MethodNotConfigured
from payme.features.payments.repository import methods
from payme.features.payments.repository.methods import StoredMethod
from payme.features.payments.schemas import Payee
from payme.features.payments.services.outages import OutageBook
from payme.integrations.daraja import (
    AppCredentials,
    ClientOptions,
    CollectionAccount,
    DarajaClient,
    MemoryTokenStore,
    ShortcodeKind,
    Token,
)
from payme.runtime.database import Database, UnitOfWork
from payme.runtime.security import FieldCipher, row_named

Result = TypeVar("Result")
_POLL: Final = timedelta(milliseconds=200)


@dataclass(frozen=True, slots=True)
class PlatformAccount:
    """The platform's own paybill, from settings: tokens are paid into it."""

    shortcode: str
    account_reference: str
    passkey: str = field(repr=False)
    consumer_key: str = field(repr=False)
    consumer_secret: str = field(repr=False)
    is_told: bool = False
    """Whether it is the platform's alone, so that Safaricom can tell us of money that is sent to it by hand."""
    pull_number: str = field(default="", repr=False)
    """The phone in its papers, that opens Pull."""

    @property
    def is_pulled(self) -> bool:
        """Whether its payments can be pulled, and are the platform's to look at."""
        return self.is_told and bool(self.pull_number)


@dataclass(frozen=True, slots=True)
class Collector:
    """Who collects a payment: the app that asks, the account that receives, and the business whose app it is."""

    app: AppCredentials
    account: CollectionAccount
    account_reference: str
    owner: UUID


async def shortcode_of(uow: UnitOfWork, payee: Payee) -> str:
    """Return the short code that a prompt will collect into. Raises: MethodNotConfigured."""
    if payee == "platform":
        return uow.tool(PlatformAccount).shortcode
    return (await _prompting_method(uow)).shortcode or ""


async def collector_of(uow: UnitOfWork, payee: str) -> Collector:
    """Return who collects, with credentials in the clear. Raises: MethodNotConfigured."""
    if payee == "platform":
        platform = uow.tool(PlatformAccount)
        return Collector(
            _app(platform.consumer_key, platform.consumer_secret),
            CollectionAccount(ShortcodeKind.PAYBILL, platform.shortcode, platform.passkey),
            platform.account_reference,
            PLATFORM_BUSINESS_ID,
        )
    return _opened(uow, await _prompting_method(uow))


async def collector_with(uow: UnitOfWork, kind: str) -> Collector:
    """Return who collects by a paybill or a till, active or not, with credentials in the clear. Raises: MethodNotConfigured."""
    if uow.tenant == PLATFORM_BUSINESS_ID and kind == "paybill":
        return await collector_of(uow, "platform")
    method = await methods.lock_method(uow, kind)
    if method is None or not method.is_complete:
        raise MethodNotConfigured(kind=kind)
    return _opened(uow, method)


async def pull_number_of(uow: UnitOfWork, kind: str) -> str | None:
    """Return the phone that opens Pull for a way to be paid, or None."""
    if uow.tenant == PLATFORM_BUSINESS_ID:
        platform = uow.tool(PlatformAccount)
        return platform.pull_number if platform.is_pulled else None
    method = await methods.lock_method(uow, kind)
    if method is None or method.pull_number_encrypted is None:
        return None
    return uow.tool(FieldCipher).decrypt(
        method.pull_number_encrypted, table="payment_methods", column="pull_number_encrypted", business_id=uow.tenant,
        row_id=row_named(uow.tenant, kind),
    )  # fmt: skip


def _opened(uow: UnitOfWork, method: StoredMethod) -> Collector:
    cipher = uow.tool(FieldCipher)

    def opened(column: str, sealed: bytes | None) -> str:
        assert sealed is not None, "an active method that prompts has its credentials"
        return cipher.decrypt(
            sealed, table="payment_methods", column=column, business_id=uow.tenant, row_id=row_named(uow.tenant, method.kind)
        )  # fmt: skip

    is_till = method.kind == "till"
    return Collector(
        _app(
            opened("consumer_key_encrypted", method.consumer_key_encrypted),
            opened("consumer_secret_encrypted", method.consumer_secret_encrypted),
        ),
        CollectionAccount(
            ShortcodeKind.BUY_GOODS if is_till else ShortcodeKind.PAYBILL,
            method.shortcode or "",
            opened("passkey_encrypted", method.passkey_encrypted),
            method.till_number if is_till else None,
        ),
        method.account_reference or "PAYME",
        uow.tenant,
    )


def _app(consumer_key: str, consumer_secret: str) -> AppCredentials:
    """Return an app under a name that all its users share: a new token ends the old one for every one of them."""
    return AppCredentials(hashlib.sha256(consumer_key.encode()).hexdigest()[:32], consumer_key, consumer_secret)


async def _prompting_method(uow: UnitOfWork) -> StoredMethod:
    method = await methods.find_prompting_method(uow)
    if method is None:
        raise MethodNotConfigured
    return method


@dataclass(slots=True)
class SharedTokens:
    """Daraja's token store in PostgreSQL, for the apps of one business; each method is one short transaction."""

    database: Database
    business_id: UUID
    cipher: FieldCipher

    async def find_token(self, app_id: str) -> Token | None:
        """Return the token kept last."""

        async def read(uow: UnitOfWork) -> Token | None:
            row = await methods.find_token(uow, app_id)
            if row is None:
                return None
            text = self.cipher.decrypt(
                row.sealed,
                table="daraja_apps",
                column="access_token_encrypted",
                business_id=uow.tenant,
                row_id=row_named(uow.tenant, app_id),
            )
            return Token(text, row.issued_at, row.expires_at)

        return await self.database.run(read, business_id=self.business_id, read_only=True)

    async def try_lease(self, app_id: str, *, holder: str, seconds: int) -> bool:
        """Take the right to renew, if it is free."""
        return await self._run(
            lambda uow: methods.take_lease(uow, app_id, holder=UUID(hex=holder), life=timedelta(seconds=seconds))
        )

    async def store_token(self, app_id: str, token: Token, *, holder: str) -> bool:
        """Keep a token, if the lease is still the holder's."""
        sealed = self.cipher.encrypt(
            token.access_token, table="daraja_apps", column="access_token_encrypted", business_id=self.business_id,
            row_id=row_named(self.business_id, app_id),
        )  # fmt: skip
        kept = methods.StoredToken(sealed, token.issued_at, token.expires_at)
        return await self._run(lambda uow: methods.store_token(uow, app_id, kept, holder=UUID(hex=holder)))

    async def release_lease(self, app_id: str, *, holder: str) -> None:
        """End the holder's lease."""
        await self._run(lambda uow: methods.release_lease(uow, app_id, UUID(hex=holder)))

    async def wait_for_change(self, app_id: str, *, seconds: Any) -> None:  # noqa: ARG002 -- polling serves every app
        """Wait a moment; the caller looks again."""
        await asyncio.sleep(min(seconds, _POLL.total_seconds()))

    async def _run(self, work: Callable[[UnitOfWork], Awaitable[Result]]) -> Result:
        return await self.database.run(work, business_id=self.business_id)


@dataclass(slots=True)
class DarajaAccess:
    """What a worker needs to speak to M-Pesa; made once by wiring. `callback_base_url` is ours, as Safaricom sees it."""

    http: Any
    base_url: str
    callback_base_url: str
    options: ClientOptions
    cipher: FieldCipher
    _clients: dict[tuple[UUID, str, str], DarajaClient] = field(
        default_factory=dict[tuple[UUID, str, str], DarajaClient]
    )

    def client(self, database: Database, collector: Collector) -> DarajaClient:
        """Return this process's one client of an app; new credentials make a new one."""
        app, owner = collector.app, collector.owner
        key = (owner, app.app_id, app.basic_authorization())
        if self.options.breaker.tell is None:
            self.options.breaker.tell = OutageBook(database).tell
        if key not in self._clients:
            self._clients[key] = DarajaClient(
                self.http, self.base_url, app=app, token_store=SharedTokens(database, owner, self.cipher),
                clock=database.clock, options=self.options,
            )  # fmt: skip
        return self._clients[key]

    def client_with_fresh_token(self, database: Database, collector: Collector) -> DarajaClient:
        """Return a client that takes no token from anybody, so that key and secret are proved; whoever held one before renews it."""
        return DarajaClient(
            self.http, self.base_url, app=collector.app, token_store=MemoryTokenStore(database.clock), clock=database.clock,
            options=self.options,
        )  # fmt: skip

    def callback_url(self, token: str, kind: str) -> str:
        """Return the address for one callback; its words are none that Safaricom refuses."""
        return f"{self.callback_base_url.rstrip('/')}/d/{token}/{kind}"
