"""Businesses, their branches, tills and settings.

The tenant itself lives here. Who may act in it belongs to identity.
"""

from payme.features.businesses.errors import BranchNotFound, BusinessUnknown, TillNotFound
from payme.features.businesses.events import BusinessCreated
from payme.features.businesses.repository import find_branch_prefix, find_till_by_prefix
from payme.features.businesses.schemas import BusinessSettings, CreateBusiness, CreateTill, Till
from payme.features.businesses.services import (
    PLATFORM_BUSINESS_ID,
    create_business,
    create_till,
    ensure_platform_business,
    get_business,
    get_till,
    list_business_ids,
)

__all__ = [
    "PLATFORM_BUSINESS_ID",
    "BranchNotFound",
    "BusinessCreated",
    "BusinessSettings",
    "BusinessUnknown",
    "CreateBusiness",
    "CreateTill",
    "Till",
    "TillNotFound",
    "create_business",
    "create_till",
    "ensure_platform_business",
    "find_branch_prefix",
    "find_till_by_prefix",
    "get_business",
    "get_till",
    "list_business_ids",
]
