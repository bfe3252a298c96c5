"""The people who buy: identity, consent, loyalty, merging, export and erasure.

Phone numbers are encrypted with a blind index. What a customer owes belongs to credit.
"""

from payme.features.customers.errors import CustomerExists, CustomerNotFound, CustomerPhoneInvalid
from payme.features.customers.repository.sealed import SEALED
from payme.features.customers.schemas import ChangeCustomer, CreateCustomer, CustomerView
from payme.features.customers.services.change_customer import change_customer, lock_customer
from payme.features.customers.services.create_customer import create_customer
from payme.features.customers.services.read_customers import (
    check_customer,
    get_customer,
    list_customers_of,
    lock_customer_document,
    page_customers,
    show_customer,
)

__all__ = [
    "SEALED",
    "ChangeCustomer",
    "CreateCustomer",
    "CustomerExists",
    "CustomerNotFound",
    "CustomerPhoneInvalid",
    "CustomerView",
    "change_customer",
    "check_customer",
    "create_customer",
    "get_customer",
    "list_customers_of",
    "lock_customer",
    "lock_customer_document",
    "page_customers",
    "show_customer",
]
