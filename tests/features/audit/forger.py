"""What somebody who owns the tables can do to the log and its chain, from the clumsy to the best of forgeries."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from payme.features.audit.rules import genesis, link, sealed_form
from payme.kit.ids import new_id
from tests.people import Shop

Tamper = Callable[[Any, Shop], Awaitable[None]]


async def edit(owner: Any, shop: Shop) -> None:
    await owner.execute(
        "update audit_log set facts = '{\"cents\": 1}' where id = (select audit_id from audit_chain"
        " where business_id = $1 and position = 3)",
        shop.id,
    )


async def delete(owner: Any, shop: Shop) -> None:
    await owner.execute(
        "delete from audit_log where id = (select audit_id from audit_chain where business_id = $1 and position = 3)",
        shop.id,
    )


async def delete_with_its_link(owner: Any, shop: Shop) -> None:
    """The row goes together with its link, and the links behind it move up."""
    await delete(owner, shop)
    await owner.execute("delete from audit_chain where business_id = $1 and position = 3", shop.id)
    for row in await owner.fetch(
        "select position from audit_chain where business_id = $1 and position > 3 order by position", shop.id
    ):
        await owner.execute(
            "update audit_chain set position = $2 - 1 where business_id = $1 and position = $2",
            shop.id,
            row["position"],
        )


async def insert(owner: Any, shop: Shop) -> None:
    """A row from long ago appears, in the place of a transaction that has been sealed."""
    await owner.execute(
        "insert into audit_log (business_id, id, actor_kind, actor_id, action, subject_id, facts, recorded_at, transaction_id)"
        " select business_id, $2, actor_kind, actor_id, 'sale.cancelled', $3, '{}', recorded_at, transaction_id from audit_log"
        " where id = (select audit_id from audit_chain where business_id = $1 and position = 2)",
        shop.id,
        new_id(),
        new_id(),
    )


async def reorder(owner: Any, shop: Shop) -> None:
    """Two rows change places in the chain, each with the hash that it has."""
    taken = await owner.fetch(
        "delete from audit_chain where business_id = $1 and position in (2, 4) returning *", shop.id
    )
    for row in taken:
        await owner.execute(
            "insert into audit_chain (business_id, position, audit_id, hash, sealed_at) values ($1, 6 - $2, $3, $4, $5)",
            shop.id,
            row["position"],
            row["audit_id"],
            row["hash"],
            row["sealed_at"],
        )


async def cut_tail(owner: Any, shop: Shop) -> None:
    gone = await owner.fetch(
        "delete from audit_chain where business_id = $1 and position > 4 returning audit_id", shop.id
    )
    await owner.execute("delete from audit_log where id = any($1::uuid[])", [row["audit_id"] for row in gone])


async def rewrite(owner: Any, shop: Shop) -> None:
    """The best of forgeries: a row is edited and every hash from there to the head is computed anew."""
    await edit(owner, shop)
    head = genesis(shop.id)
    rows = await owner.fetch(
        "select c.position, l.* from audit_chain c join audit_log l on l.id = c.audit_id where c.business_id = $1"
        " order by c.position",
        shop.id,
    )
    for row in rows:
        head = link(head, sealed_form({**dict(row), "facts": json.loads(row["facts"])}))
        await owner.execute(
            "update audit_chain set hash = $3 where business_id = $1 and position = $2", shop.id, row["position"], head
        )


async def take_everything(owner: Any, shop: Shop) -> None:
    """The whole history of a shop is gone, rows and links."""
    await owner.execute("delete from audit_chain where business_id = $1", shop.id)
    await owner.execute("delete from audit_log where business_id = $1", shop.id)
