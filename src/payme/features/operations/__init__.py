"""Operations: what must hold and whether it does, what is set up wrongly, what waits for a person.

The only feature that reads tables of others, because an invariant stands across features; it writes none.
"""

from payme.features.operations.schemas import Diagnosis, Example, Finding, Mark, Report
from payme.features.operations.services.invariants import check_all, check_invariants

__all__ = ["Diagnosis", "Example", "Finding", "Mark", "Report", "check_all", "check_invariants"]
