"""What was done, by whom: rows written in the transaction they describe, sealed into a hash chain per business by a job.

Invariant: nobody edits or removes a row; the chain shows it when somebody did. Other features record; none of them reads.
"""

from payme.features.audit.repository import record
from payme.features.audit.schemas import AuditEntry, Fault, Sealing, Verification
from payme.features.audit.services import anchor, list_entries, seal, verify

__all__ = ["AuditEntry", "Fault", "Sealing", "Verification", "anchor", "list_entries", "record", "seal", "verify"]
