"""The statements of one cash sale as the product really sends them: the service is run once, and its connection listens.

Invariant: nothing here knows a statement of its own, so what pgbench runs cannot drift from the code.
"""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asyncpg.connection import LoggedQuery

from bench.town import PRICE_CENTS, Model
from payme.features.identity import PERMISSIONS
from payme.features.sales import CreateSale, create_sale
from payme.kit.actor import Actor
from payme.kit.ids import new_id
from payme.runtime.database import Database
from payme.runtime.http.idempotency import Attempt, answer_once

LINES = 3


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement with its arguments; `types` are those of its parameters, none for a simple query."""

    sql: str
    arguments: Sequence[Any]
    types: Sequence[str]


@dataclass(frozen=True, slots=True)
class Recording:
    """One cash sale of the model's first products: its statements in order, its instant, its attempt and what was answered."""

    statements: Sequence[Statement]
    now: datetime
    attempt: Attempt
    answer: dict[str, Any]


def command_for(product_ids: Sequence[Any]) -> dict[str, Any]:
    """Return the body of a cash sale of one of each product, as a till sends it."""
    total = PRICE_CENTS * len(product_ids)
    return {
        "lines": [{"product_id": str(each), "quantity": "1"} for each in product_ids],
        "tenders": [{"method": "cash", "amount_cents": total, "received_cents": 50_000}],
    }


async def record(database: Database, model: Model) -> Recording:
    """Make a cash sale in the model shop and return what the connection was asked. The pool has one connection."""
    # The driver asks for the types of parameters the first time it sees them; the second sale is the sale alone.
    await _sell(database, model)
    logged: list[LoggedQuery] = []
    async with database.pool.acquire() as connection:
        # The pool has this connection only, and it keeps its listeners when it is given back.
        connection.add_query_logger(logged.append)
    now, attempt, answer = await _sell(database, model)
    async with database.pool.acquire() as connection:
        connection.remove_query_logger(logged.append)
        statements = [await _statement(connection, each) for each in logged]
    return Recording(statements, now, attempt, answer)


async def _statement(connection: Any, query: LoggedQuery) -> Statement:
    if not query.args:
        return Statement(query.query, (), ())
    prepared = await connection.prepare(query.query)
    return Statement(query.query, list(query.args), [each.name for each in prepared.get_parameters()])


async def _sell(database: Database, model: Model) -> tuple[datetime, Attempt, dict[str, Any]]:
    document = command_for(model.products[:LINES])
    command = CreateSale.model_validate(document)
    actor = Actor("api_key", model.key_id, "Load", f"key:{model.key_id}", PERMISSIONS)
    attempt = Attempt(
        business_id=model.business_id,
        actor=actor,
        scope=f"{actor.family}:POST /v1/businesses/{{business_id}}/sales",
        key=str(new_id()),
        fingerprint=hashlib.sha256(json.dumps(document).encode()).digest(),
        status=lambda _view: 201,
        deadline=asyncio.get_running_loop().time() + 5,
        answer_by=asyncio.get_running_loop().time() + 5,
    )
    instants: list[datetime] = []

    async def work(uow: Any) -> Any:
        instants.append(uow.now)
        return await create_sale(uow, command)

    response = await answer_once(database, attempt, work=work, flights={})
    return instants[-1], attempt, json.loads(bytes(response.body))
