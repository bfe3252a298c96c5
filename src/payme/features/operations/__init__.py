"""Operations: what must hold and whether it does, what is set up wrongly, what waits for a person.

The only feature that reads tables of others, because an invariant stands across features; it writes none.
"""

from payme.features.operations.repository.invariants import Finding, Invariant
from payme.features.operations.services.invariants import check_invariants

__all__ = ["Finding", "Invariant", "check_invariants"]
