"""The doctor's first look: the server, its roles, and the wall between businesses. Asked as the owner of the schema."""

from typing import Final

from payme.features.operations.repository import wards
from payme.features.operations.schemas import Diagnosis, bad, good, look
from payme.runtime.database import UnitOfWork

ROLES: Final = ["payme_app", "payme_worker"]
_OLDEST_VERSION: Final = 150_000
_MIGRATE: Final = (
    "payme migrate up, as a user who may create roles (or let one run `create role … nologin; grant … to …`)"
)


async def examine_server(uow: UnitOfWork) -> list[Diagnosis]:
    """Return how the server is set up; the rest of the doctor needs its roles."""
    return [await _server(uow), await _roles(uow), await _walls(uow)]


async def _server(uow: UnitOfWork) -> Diagnosis:
    server = await wards.find_server(uow)
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


async def _roles(uow: UnitOfWork) -> Diagnosis:
    roles = await wards.list_roles(uow, ROLES)
    missing = [each.name for each in roles if not each.exists or not each.usable]
    if missing:
        return bad("Roles", f"{' and '.join(missing)} cannot be used by this user.", _MIGRATE)
    mighty = [each.name for each in roles if each.passes_policies]
    if mighty:
        return bad(
            "Roles",
            f"{' and '.join(mighty)} passes row-level security: one shop could see another's rows.",
            f"alter role {mighty[0]} nosuperuser nobypassrls",
        )
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


def _megabytes(size: int) -> str:
    return f"{size // 1_000_000} MB"
