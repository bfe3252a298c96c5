"""The maintenance mode of the whole deployment: kept in the database, told on the channel that every API process listens on.

Not here: what a mode refuses (`runtime.http.gate`). Invariant: row and notification are one transaction, and whoever missed the
notification looks again by himself.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, get_args

from payme.runtime.database import UnitOfWork

Mode = Literal["off", "warn", "read_only", "drain"]
MODES: Final[tuple[Mode, ...]] = get_args(Mode)
"""The mildest first."""
PAYLOAD: Final = "maintenance"
READ: Final = """
-- maintenance.read
select value from platform_settings where name = 'maintenance'
"""
WRITE: Final = """
-- maintenance.write
with told as (select pg_notify('payme_changes', 'maintenance'))
insert into platform_settings (name, value) select 'maintenance', $1 from told
on conflict (name) do update set value = excluded.value, changed_at = clock_timestamp()
"""


@dataclass(frozen=True, slots=True)
class Notice:
    """What is on: the mode, a sentence for people who use a till, and until when it is expected (UTC)."""

    mode: Mode = "off"
    message: str = ""
    until: datetime | None = None


async def read_notice(uow: UnitOfWork) -> Notice:
    """Return what is on; nothing written means off."""
    kept = await uow.fetchval(READ)
    if kept is None:
        return Notice()
    said = json.loads(kept)
    mode = said["mode"] if said["mode"] in MODES else "off"
    return Notice(mode, said["message"], datetime.fromisoformat(said["until"]) if said["until"] else None)


async def write_notice(uow: UnitOfWork, notice: Notice) -> None:
    """Keep what is on and tell every process; only the owner of the database may."""
    until = notice.until.isoformat() if notice.until else None
    await uow.execute(WRITE, json.dumps({"mode": notice.mode, "message": notice.message, "until": until}))


def stricter(first: Mode, second: Mode) -> Mode:
    """Return the mode of the two that lets less through."""
    return first if MODES.index(first) >= MODES.index(second) else second
