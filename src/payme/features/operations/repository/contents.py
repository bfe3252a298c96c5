"""What a database holds at the moment of a snapshot, over all businesses; and the jobs that a restored copy must not run blindly."""

from typing import Final

from payme.features.operations.schemas import ChainHead, Contents
from payme.runtime.database import UnitOfWork
from payme.runtime.database.dumps import Snapshot

RESTORED: Final = "Restored"


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


async def set_aside(uow: UnitOfWork, name: str) -> int:
    """Make dead letters of the jobs of a name that were due in the copy, and return how many: a person decides about each."""
    return await uow.execute(
        """-- operations.set_aside
        with gone as (
          delete from pgqueuer where entrypoint = $1 returning id, entrypoint, payload, dedupe_key, created
        ), attempts as (delete from job_attempts where job_id in (select id from gone))
        insert into job_dead_letters (job_id, name, payload, dedupe_key, attempts, error_class, error_message, enqueued_at)
        select id, entrypoint, coalesce(payload, ''), dedupe_key, 0, $2, 'It was waiting when the backup was made.', created from gone""",
        name,
        RESTORED,
    )
