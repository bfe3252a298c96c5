"""Commands and their verdicts. A command is admitted by one statement and kept by the one that closes its transaction."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from payme.features.sync.schemas.commands import CommandView
from payme.kit.synced import ChangedRow, Place
from payme.kit.values import value
from payme.runtime.database import Closing, UnitOfWork

_STORE: Final = "sync_store_command($1,$2,$3,{patch})"
_LOWEST: Final = UUID(int=0)
_DOCUMENT: Final = """json_build_object(
          'id', d.id, 'rev', c.rev, '_deleted', false, 'device_id', d.device_id, 'device_sequence', d.device_sequence, 'name', d.name,
          'schema_version', d.schema_version, 'args', d.args, 'depends_on', d.depends_on, 'handed_over', d.handed_over,
          'occurred_at', d.occurred_at, 'hlc', d.hlc, 'staff_id', d.staff_id, 'shift_id', d.shift_id, 'approved_by', d.approved_by,
          'status', d.status, 'reasons', d.reasons, 'result', d.result, 'error', d.error, 'server_seq', c.seq,
          'applied_at', d.applied_at, 'body_hash', encode(d.body_hash, 'hex'))"""
_PAGE: Final = (
    """-- sync.page_commands
        select c.document_id, c.seq, c.rev, case when not c.is_deleted then d.document end as document
        from (select * from sync_page($1, 'commands', $2, $3, $4) order by seq, document_id limit $5) c
        left join lateral (select """  # noqa: S608 -- constants of this file
    + _DOCUMENT
    + """::text as document from sync_commands d where d.business_id = $1 and d.id = c.document_id offset 0) d on true
        order by c.seq, c.document_id"""
)
_FIND: Final = (
    "-- sync.find_document\nselect "
    + _DOCUMENT
    + """::text from sync_commands d, sync_page($1, 'commands', 0, $3, null) c
        where d.business_id = $1 and d.id = $2 and c.document_id = d.id"""
)


@value
class Admitted:
    """What decides about a command, under the lock of its device."""

    device: dict[str, Any] | None
    known: dict[str, Any] | None
    holder: UUID | None
    unmet: list[UUID]
    staff: dict[str, Any] | None


@value
class Contact:
    """What a device says of itself: by how much its clock is behind, which program it runs, what it still keeps."""

    skew_milliseconds: int
    app_version: str
    pending: int | None
    oldest_pending_at: datetime | None


async def admit(uow: UnitOfWork, command: Any, *, corrected_at: Any) -> Admitted:
    """Lock the device of a command and return what decides about it."""
    row: dict[str, Any] = await uow.fetchval(
        """-- sync.admit
        select sync_admit($1, $2, $3, $4, $5, $6, $7)""",
        uow.tenant, command.device_id, command.id, command.device_sequence, command.depends_on, command.staff_id, corrected_at,
    )  # fmt: skip
    holder = row["holder"]
    unmet = [UUID(each) for each in row["unmet"]]
    return Admitted(row["device"], row["known"], UUID(holder) if holder else None, unmet, row["staff"])


def storing(uow: UnitOfWork, document: dict[str, Any], *, receipt_number: str | None) -> Closing:
    """Return what keeps a command with its verdict at the flush, with what the deferred calls return merged into its result."""
    return Closing(_STORE, (uow.tenant, document, receipt_number))


async def find_command(uow: UnitOfWork, command_id: UUID) -> CommandView | None:
    """Return a command with its verdict."""
    row = await uow.fetchrow(
        """-- sync.find_command
        select c.id, c.device_id, c.device_sequence, c.name, c.status, c.reasons, c.result, c.error, c.occurred_at, c.staff_id,
          c.handed_over, c.received_at, c.applied_at, c.settled_at, c.settled_by, c.settled_note, c.rev
        from sync_commands c where c.business_id = $1 and c.id = $2""",
        uow.tenant,
        command_id,
    )
    return CommandView.model_validate(dict(row)) if row else None


async def find_document(uow: UnitOfWork, command_id: UUID) -> str | None:
    """Return a command as its till knows it, as JSON text."""
    return await uow.fetchval(_FIND, uow.tenant, command_id, _LOWEST)


async def list_ready(uow: UnitOfWork, *, limit: int) -> list[dict[str, Any]]:
    """Return the bodies of commands that wait for nothing any more, the first received first."""
    rows = await uow.fetch(
        """-- sync.list_ready
        select w.id, w.device_id, w.device_sequence, w.name, w.schema_version, w.args, w.depends_on, w.handed_over, w.occurred_at,
          w.hlc, w.staff_id, w.shift_id, w.approved_by, encode(w.body_hash, 'hex') as body_hash, w.corrected_at, w.handed_in_by
        from sync_commands w
        where w.business_id = $1 and w.status = 'waiting' and not exists (
          select from unnest(w.depends_on) d where not exists (
            select from sync_commands c where c.business_id = $1 and c.id = d and c.status <> 'waiting'))
        order by w.received_at, w.id limit $2""",
        uow.tenant,
        limit,
    )
    return [dict(row) for row in rows]


async def find_body(uow: UnitOfWork, command_id: UUID) -> dict[str, Any] | None:
    """Return the body of a command as it was sent, with what was worked out when it came."""
    row = await uow.fetchrow(
        """-- sync.find_body
        select w.id, w.device_id, w.device_sequence, w.name, w.schema_version, w.args, w.depends_on, w.handed_over, w.occurred_at,
          w.hlc, w.staff_id, w.shift_id, w.approved_by, encode(w.body_hash, 'hex') as body_hash, w.corrected_at, w.handed_in_by,
          w.received_at
        from sync_commands w where w.business_id = $1 and w.id = $2""",
        uow.tenant,
        command_id,
    )
    return dict(row) if row else None


async def list_to_review(uow: UnitOfWork, *, after: UUID | None, limit: int) -> list[CommandView]:
    """Return the commands that a person should look at, in the order of their ids."""
    rows = await uow.fetch(
        """-- sync.list_to_review
        select c.id, c.device_id, c.device_sequence, c.name, c.status, c.reasons, c.result, c.error, c.occurred_at, c.staff_id,
          c.handed_over, c.received_at, c.applied_at, c.settled_at, c.settled_by, c.settled_note, c.rev
        from sync_commands c
        where c.business_id = $1 and c.status = 'needs_review' and c.settled_at is null and c.id > $2 order by c.id limit $3""",
        uow.tenant,
        after or _LOWEST,
        limit,
    )
    return [CommandView.model_validate(dict(row)) for row in rows]


async def settle(uow: UnitOfWork, command_id: UUID, note: str) -> bool:
    """Note that a command was looked at; False where it does not wait for that."""
    count = await uow.execute(
        """-- sync.settle_command
        update sync_commands set settled_at = $3, settled_by = $4, settled_note = $5, rev = rev + 1
        where business_id = $1 and id = $2 and status = 'needs_review' and settled_at is null""",
        uow.tenant, command_id, uow.now, uow.actor.id, note,
    )  # fmt: skip
    return bool(count)


async def note_contact(uow: UnitOfWork, device_id: UUID, contact: Contact) -> None:
    """Note what a device said of itself as it pushed; the queue that it did not speak of stays as it was known."""
    await uow.execute(
        """-- sync.note_contact
        update sync_devices set last_push_at = $3, skew_milliseconds = $4, app_version = $5,
          pending = coalesce($6, pending), oldest_pending_at = case when $6::int is null then oldest_pending_at else $7 end
        where business_id = $1 and device_id = $2""",
        uow.tenant, device_id, uow.now, contact.skew_milliseconds, contact.app_version, contact.pending,
        contact.oldest_pending_at,
    )  # fmt: skip


async def page_commands(uow: UnitOfWork, place: Place) -> list[ChangedRow]:
    """Return commands with their verdicts, as their tills know them, in the order of their changes after a place."""
    rows = await uow.fetch(
        _PAGE,
        uow.tenant, place.sequence, place.id, place.branch_id, place.limit,
    )  # fmt: skip
    return [ChangedRow(row["document_id"], row["seq"], row["rev"], row["document"]) for row in rows]


async def list_range(uow: UnitOfWork, device_id: UUID, *, first: int, last: int) -> list[tuple[int, UUID]]:
    """Return sequence numbers and ids of a device's commands in a range."""
    rows = await uow.fetch(
        """-- sync.list_range
        select device_sequence, id from sync_commands
        where business_id = $1 and device_id = $2 and device_sequence between $3 and $4 and holds_sequence order by device_sequence""",
        uow.tenant, device_id, first, last,
    )  # fmt: skip
    return [(row["device_sequence"], row["id"]) for row in rows]
