"""The doctor's first look: the server, its clock, its roles, and the wall between businesses. Asked as the owner of the schema."""

from pathlib import Path
from typing import Final

from payme.features.operations.repository import wards
from payme.features.operations.repository.wards import Server
from payme.features.operations.schemas import Diagnosis, bad, good, look
from payme.features.operations.services.examine_surroundings import examine_disk
from payme.runtime.database import UnitOfWork
from payme.runtime.database.roles import APP_ROLE, BACKUP_ROLE, WORKER_ROLE

ROLES: Final = [APP_ROLE, WORKER_ROLE]
_OLDEST_VERSION: Final = 150_000
_SKEW_SECONDS: Final = 2
_LARGEST_SKEW_SECONDS: Final = 30
_MIGRATE: Final = (
    "payme migrate up, as a user who may create roles (or let one run `create role … nologin; grant … to …`)"
)


async def examine_server(uow: UnitOfWork, *, hardened: bool = False) -> list[Diagnosis]:
    """Return how the server is set up; `hardened` where strangers reach it, and carelessness is a fault."""
    server = await wards.find_server(uow)
    lines = [_server(server), _clock(uow, server), _durability(server, hardened=hardened)]
    return [*lines, await _roles(uow, server), await _walls(uow), *_disk(server)]


def _server(server: Server) -> Diagnosis:
    major = server.version // 10_000
    found = (
        f"PostgreSQL {major}, {_megabytes(server.size)}, {server.connections} of {server.most_connections} connections"
    )
    if server.version < _OLDEST_VERSION:
        return bad("Database", found, "PayMe needs PostgreSQL 15 or newer; upgrade the server.")
    if server.connections * 10 > server.most_connections * 9:
        return look(
            "Database", found, "Nearly all connections are taken: raise max_connections, or run fewer processes."
        )
    return good("Database", found)


def _clock(uow: UnitOfWork, server: Server) -> Diagnosis:
    seconds = abs((server.clock - uow.now).total_seconds())
    found = f"{seconds:.1f} s between this machine and the database."
    if seconds > _LARGEST_SKEW_SECONDS:
        return bad("Clock", found, "Set both clocks by NTP: sessions, schedules and M-Pesa's times go wrong like this.")
    if seconds > _SKEW_SECONDS:
        return look("Clock", found, "Set both clocks by NTP.")
    return good("Clock", "this machine and the database agree.")


def _durability(server: Server, *, hardened: bool) -> Diagnosis:
    if not server.careless:
        return good("Durability", "what was acknowledged survives a crash.")
    names = ", ".join(server.careless)
    say = bad if hardened else look
    return say("Durability", f"{names} is off: a crash may take sales.", f"alter system set {server.careless[0]} = on")


async def _roles(uow: UnitOfWork, server: Server) -> Diagnosis:
    roles = await wards.list_roles(uow, [*ROLES, BACKUP_ROLE])
    missing = [each.name for each in roles if not each.exists or not each.usable]
    if missing and server.passes_policies:
        found = f"{' and '.join(missing)} cannot be used, and this user passes row-level security."
        return bad("Roles", found, "Connect as an owner who is no superuser; processes refuse to start like this.")
    mighty = [each.name for each in roles if each.passes_policies]
    if mighty:
        return bad(
            "Roles",
            f"{' and '.join(mighty)} passes row-level security: one shop could see another's rows.",
            f"alter role {mighty[0]} nosuperuser nobypassrls",
        )
    if missing == [BACKUP_ROLE]:
        return look("Roles", f"{BACKUP_ROLE} cannot be used by this user: no backup can be made as it.", _MIGRATE)
    if missing:
        found = f"{' and '.join(missing)} cannot be used by this user. Processes work as the owner; row-level security is forced and holds."
        return look("Roles", found, _MIGRATE)
    bare = [each.name for each in roles if not each.granted]
    if bare:
        step = f"The schema was made without them. Until it is restored from a backup: revoke {bare[0]} from this user."
        return bad("Roles", f"{' and '.join(bare)} may read nothing here.", step)
    return good("Roles", f"{' and '.join(ROLES)} are there and own nothing.")


async def _walls(uow: UnitOfWork) -> Diagnosis:
    open_tables = await wards.list_unprotected_tables(uow)
    if open_tables:
        return bad(
            "Row security",
            f"not forced on {', '.join(open_tables)}: one shop could see another's rows.",
            "Stop the API. Find who changed the tables; then: alter table … enable, and force, row level security.",
        )
    return good("Row security", "forced on every table of a business.")


def _disk(server: Server) -> list[Diagnosis]:
    """Look at the database's own disk, where it is one of this machine and we may know where."""
    folder = Path(server.data_directory) if server.data_directory else None
    try:
        return [examine_disk(folder, "Database disk")] if folder is not None and folder.is_dir() else []
    except OSError:
        return []


def _megabytes(size: int) -> str:
    return f"{size // 1_000_000} MB"
