"""SQL of probes: what was found when a way to be paid was tried."""

from datetime import datetime
from uuid import UUID

from payme.features.payments.schemas import ProbeCheck, ProbeView
from payme.kit.values import value
from payme.runtime.database import UnitOfWork


@value
class StoredProbe:
    """A probe."""

    id: UUID
    kind: str
    shortcode: str | None
    created_at: datetime
    ended_at: datetime | None


async def insert_probe(uow: UnitOfWork, probe_id: UUID, kind: str, *, shortcode: str | None) -> None:
    """Add a probe that is about to begin."""
    await uow.execute(
        """-- payments.insert_probe
        insert into payment_probes (business_id, id, kind, shortcode, created_at) values ($1, $2, $3, $4, $5)""",
        uow.tenant, probe_id, kind, shortcode, uow.now,
    )  # fmt: skip


async def find_probe(uow: UnitOfWork, probe_id: UUID) -> StoredProbe | None:
    """Return a probe, or None."""
    row = await uow.fetchrow(
        """-- payments.find_probe
        select id, kind, shortcode, created_at, ended_at from payment_probes where business_id = $1 and id = $2""",
        uow.tenant, probe_id,
    )  # fmt: skip
    return StoredProbe(**row) if row else None


async def store_check(uow: UnitOfWork, probe_id: UUID, check: ProbeCheck) -> None:
    """Record what one check found; a later finding takes the place of `waiting` alone."""
    await uow.execute(
        """-- payments.store_probe_check
        insert into payment_probe_checks as kept (business_id, probe_id, name, mark, found, found_sw)
        values ($1, $2, $3, $4, $5, $6)
        on conflict (business_id, probe_id, name) do update
          set mark = excluded.mark, found = excluded.found, found_sw = excluded.found_sw where kept.mark = 'waiting'""",
        uow.tenant, probe_id, check.name, check.mark, check.found, check.found_sw,
    )  # fmt: skip


async def end_probe(uow: UnitOfWork, probe_id: UUID) -> None:
    """Record that every check that could be made at once was made."""
    await uow.execute(
        """-- payments.end_probe
        update payment_probes set ended_at = $3 where business_id = $1 and id = $2 and ended_at is null""",
        uow.tenant, probe_id, uow.now,
    )  # fmt: skip


async def list_probes(uow: UnitOfWork, kind: str) -> list[ProbeView]:
    """Return the probes of a way to be paid with their checks, newest first, ten at most."""
    rows = await uow.fetch(
        """-- payments.list_probes
        select p.id, p.kind, p.shortcode, p.created_at, p.ended_at,
          coalesce((select json_agg(json_build_object('name', c.name, 'mark', c.mark, 'found', c.found, 'found_sw', c.found_sw)
            order by c.name) from payment_probe_checks c where c.business_id = p.business_id and c.probe_id = p.id), '[]') as checks
        from payment_probes p where p.business_id = $1 and p.kind = $2 order by p.created_at desc, p.id desc limit 10""",
        uow.tenant, kind,
    )  # fmt: skip
    return [ProbeView.model_validate(dict(row)) for row in rows]
