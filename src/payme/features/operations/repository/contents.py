"""What a database holds at the moment of a snapshot, over all businesses."""

from payme.features.operations.schemas import ChainHead, Contents
from payme.runtime.database.dumps import Snapshot


async def read_contents(snapshot: Snapshot) -> Contents:
    """Return what there is, as of the snapshot."""
    versions = await snapshot.fetch(
        """-- operations.read_schema_version
        select max(version) as version from schema_migrations"""
    )
    heads = await snapshot.fetch(
        """-- operations.read_audit_heads
        select distinct on (business_id) business_id, position, encode(hash, 'hex') as hash
        from audit_chain order by business_id, position desc"""
    )
    return Contents(
        schema_version=versions[0]["version"] or "",
        rows=await snapshot.count_rows(),
        audit_heads={row["business_id"]: ChainHead(position=row["position"], hash=row["hash"]) for row in heads},
    )
