"""Seal and open phone numbers of customers."""

from typing import Final
from uuid import UUID

from payme.features.customers.errors import CustomerPhoneInvalid
from payme.features.customers.repository.customers import SealedPhone, StoredCustomer
from payme.kit.phone import masked, normalise_msisdn
from payme.runtime.database import UnitOfWork
from payme.runtime.security import BlindIndex, FieldCipher

_TABLE: Final = "customers"
_SEALED: Final = "phone_encrypted"


def normal_phone(phone: str | None) -> str | None:
    """Return a number as it is kept, twelve digits, or None for none. Raises: CustomerPhoneInvalid."""
    if not phone:
        return None
    msisdn = normalise_msisdn(phone)
    if msisdn is None:
        raise CustomerPhoneInvalid
    return msisdn


def seal(uow: UnitOfWork, customer_id: UUID, msisdn: str | None) -> SealedPhone:
    """Return a number as it is stored for one customer."""
    if msisdn is None:
        return SealedPhone(None, None, "")
    envelope = uow.tool(FieldCipher).encrypt(
        msisdn, table=_TABLE, column=_SEALED, business_id=uow.tenant, row_id=customer_id
    )
    return SealedPhone(envelope, fingerprint_of(uow, msisdn), masked(msisdn))


def open_phone(uow: UnitOfWork, customer: StoredCustomer) -> str | None:
    """Return a customer's number."""
    if customer.phone.envelope is None:
        return None
    return uow.tool(FieldCipher).decrypt(
        customer.phone.envelope, table=_TABLE, column=_SEALED, business_id=uow.tenant, row_id=customer.id
    )


def fingerprint_of(uow: UnitOfWork, msisdn: str) -> bytes:
    """Return what a number is found by."""
    return uow.tool(BlindIndex).fingerprint(msisdn, table=_TABLE, column="phone", business_id=uow.tenant)
