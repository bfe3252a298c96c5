"""Operations: what must hold and whether it does, what is set up wrongly, what waits for a person.

The only feature that reads tables of others, because an invariant stands across features; it writes none. What it has
encrypted anew is written by the features that own it.
"""

from payme.features.operations.schemas import Diagnosis, Example, Finding, KeyUse, Mark, Report, Rotation
from payme.features.operations.services.examine_backups import examine_backups
from payme.features.operations.services.examine_server import examine_server
from payme.features.operations.services.examine_surroundings import (
    examine_disk,
    examine_faults,
    examine_redis,
    examine_settings,
)
from payme.features.operations.services.examine_work import Expectations, examine_work
from payme.features.operations.services.invariants import check_all, check_invariants
from payme.features.operations.services.rotate_keys import SEALED_TABLES, count_keys, rotate_keys
from payme.features.operations.services.try_shop import try_shop
from payme.features.operations.services.walk import walk_businesses

__all__ = [
    "SEALED_TABLES",
    "Diagnosis",
    "Example",
    "Expectations",
    "Finding",
    "KeyUse",
    "Mark",
    "Report",
    "Rotation",
    "check_all",
    "check_invariants",
    "count_keys",
    "examine_backups",
    "examine_disk",
    "examine_faults",
    "examine_redis",
    "examine_server",
    "examine_settings",
    "examine_work",
    "rotate_keys",
    "try_shop",
    "walk_businesses",
]
