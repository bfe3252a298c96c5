"""The API operator of a business: who may order and ask in its name, with the credentials in the clear."""

from dataclasses import dataclass

from payme.features.payments.errors import OperatorMissing
from payme.features.payments.repository import methods
from payme.features.payments.repository.methods import StoredMethod
from payme.features.payments.services.gateway import Collector, collector_with
from payme.integrations.daraja import Initiator, InvalidRequest, OperatingAccount
from payme.runtime.database import UnitOfWork
from payme.runtime.security import FieldCipher, row_named

_KINDS = ("paybill", "till")


@dataclass(frozen=True, slots=True)
class Certificate:
    """Safaricom's certificate of this deployment's world, PEM or DER, with which operators' passwords are encrypted; None: not set."""

    data: bytes | None


@dataclass(frozen=True, slots=True)
class Operator:
    """Who orders: the app, and the account with its initiator."""

    collector: Collector
    account: OperatingAccount


async def operating_shortcode(uow: UnitOfWork, shortcode: str | None = None) -> str:
    """Return the short code that money leaves, of a way to be paid that has an operator. Raises: OperatorMissing."""
    return (await _method(uow, shortcode)).shortcode or ""


async def operator_of(uow: UnitOfWork, shortcode: str) -> Operator:
    """Return who may order for a short code, with credentials in the clear.

    Raises: OperatorMissing, also where the certificate or the password cannot be used; MethodNotConfigured.
    """
    method = await _method(uow, shortcode)
    certificate = uow.tool(Certificate).data
    if certificate is None or method.initiator_password_encrypted is None:
        raise OperatorMissing
    password = uow.tool(FieldCipher).decrypt(
        method.initiator_password_encrypted, table="payment_methods", column="initiator_password_encrypted",
        business_id=uow.tenant, row_id=row_named(uow.tenant, method.kind),
    )  # fmt: skip
    try:
        initiator = Initiator(method.initiator_name or "", password, certificate)
    except InvalidRequest as fault:
        raise OperatorMissing(field=fault.facts.get("field", "")) from fault
    return Operator(await collector_with(uow, method.kind), OperatingAccount(method.shortcode or "", initiator))


async def _method(uow: UnitOfWork, shortcode: str | None) -> StoredMethod:
    if uow.tool(Certificate).data is not None:
        for kind in _KINDS:
            method = await methods.lock_method(uow, kind)
            if method is not None and method.has_operator and shortcode in {None, method.shortcode, method.till_number}:
                return method
    raise OperatorMissing
