"""SQL of the catalogue."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

from payme.features.catalog.enums import VatClass
from payme.features.catalog.schemas import CreateProduct, ProductFilter, ProductView, VatRateView
from payme.kit.pagination import WrittenPage
from payme.kit.synced import ChangedRow, Place
from payme.runtime.database import UnitOfWork

Position = tuple[str, UUID]
_START: Position = ("", UUID(int=0))

_COLUMNS: Final = """
          p.id, p.name, p.sku, p.unit, p.category, p.price_cents, p.buying_price_cents, p.vat_class, p.reorder_point,
          p.track_stock, p.track_expiry, p.active, p.rev, p.created_at, p.updated_at,
          array(select b.barcode from product_barcodes b where b.business_id = p.business_id and b.product_id = p.id
                order by b.barcode) as barcodes"""
_MATCHING: Final = """
        from products p
        where p.business_id = $1 and (lower(p.name), p.id) > (lower($2), $3)
          and ($4::text is null or p.category = $4) and ($5::boolean is null or p.active = $5)
          and ($6::text is null or position(lower($6) in lower(p.name)) > 0 or position(lower($6) in lower(p.sku)) > 0
            or exists (select from product_barcodes b
                       where b.business_id = p.business_id and b.barcode = $6 and b.product_id = p.id))
        order by lower(p.name), p.id limit $7"""
_FIND: Final = "-- catalog.find_product\nselect " + _COLUMNS + " from products p where p.business_id = $1 and p.id = $2"
_LIST: Final = "-- catalog.list_products\nselect " + _COLUMNS + _MATCHING
# Concatenated, because row_to_json and json_build_object look up the type of every value of every row.
_WRITE: Final = (
    """-- catalog.write_products
        select coalesce(string_agg(written, ',' order by place) filter (where place < $7), '') as rows,
          min(name) filter (where place = $7 - 1 and follows) as last_name,
          min(id::text) filter (where place = $7 - 1 and follows) as last_id,
          sync_collection_seq($1, 'products') as version
        from (
          select id, name, row_number() over () as place, count(*) over () = $7 as follows, concat(
            '{"id":"', id, '","name":', to_json(name), ',"sku":', coalesce(to_json(sku)::text, 'null'),
            ',"barcode":', coalesce(to_json(barcodes[1])::text, 'null'), ',"barcodes":', to_json(barcodes),
            ',"unit":', to_json(unit), ',"category":', to_json(category), ',"price_cents":', price_cents,
            ',"buying_price_cents":', coalesce(case when $8 then buying_price_cents end::text, 'null'),
            ',"vat_class":"', vat_class, '","reorder_point":', coalesce('"' || trim_scale(reorder_point) || '"', 'null'),
            ',"track_stock":', track_stock::text, ',"track_expiry":', track_expiry::text, ',"active":', active::text,
            ',"rev":', rev, ',"created_at":"', to_char(created_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
            '","updated_at":"', to_char(updated_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '"}') as written
          from (select """  # noqa: S608 -- constants of this file
    + _COLUMNS
    + _MATCHING
    + ") product) page"
)
# What a till needs of a product; what goods cost it does not.
_DOCUMENT: Final = """ concat(
          '{"id":"', p.id, '","name":', to_json(p.name), ',"sku":', coalesce(to_json(p.sku)::text, 'null'),
          ',"barcodes":', to_json(array(select b.barcode from product_barcodes b
            where b.business_id = p.business_id and b.product_id = p.id order by b.barcode)),
          ',"unit":', to_json(p.unit), ',"category":', to_json(p.category), ',"price_cents":', p.price_cents,
          ',"vat_class":"', p.vat_class, '","reorder_point":', coalesce('"' || trim_scale(p.reorder_point) || '"', 'null'),
          ',"track_stock":', p.track_stock::text, ',"track_expiry":', p.track_expiry::text, ',"active":', p.active::text,
          ',"rev":', p.rev, ',"updated_at":"', to_char(p.updated_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '","_deleted":false}') as document
        from products p where p.business_id = $1 and p.id ="""
_PAGE: Final = (
    """-- catalog.page_products
        select c.document_id, c.seq, c.rev, d.document
        from (select * from sync_page($1, 'products', $2, $3, $4) order by seq, document_id limit $5) c
        left join lateral (select"""  # noqa: S608 -- constants of this file
    + _DOCUMENT
    + " c.document_id offset 0) d on true order by c.seq, c.document_id"
)
_LOCK_DOCUMENT: Final = "-- catalog.lock_product_document\nselect p.rev," + _DOCUMENT + " $2 for no key update of p"


async def insert_products(uow: UnitOfWork, products: Mapping[UUID, CreateProduct]) -> None:
    """Insert products by their ids, with their barcodes. Raises: ProductExists, SkuTaken, BarcodeTaken."""
    commands = list(products.values())
    await uow.execute(
        """-- catalog.insert_products
        with made as (insert into products (business_id, id, name, sku, unit, category, price_cents, buying_price_cents, vat_class, reorder_point,
          track_stock, track_expiry, active, created_at, updated_at)
        select $1, t.*, $2, $2 from unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::bigint[],
          $10::text[], $11::numeric[], $12::boolean[], $13::boolean[], $14::boolean[]) t
        returning id, created_at, price_cents)
        insert into product_prices (business_id, product_id, since, price_cents) select $1, id, created_at, price_cents from made""",
        uow.tenant,
        uow.now,
        list(products),
        [each.name for each in commands],
        [each.sku for each in commands],
        [each.unit for each in commands],
        [each.category for each in commands],
        [each.price_cents for each in commands],
        [each.buying_price_cents for each in commands],
        [each.vat_class for each in commands],
        [each.reorder_point for each in commands],
        [each.track_stock for each in commands],
        [each.track_expiry for each in commands],
        [each.active for each in commands],
    )
    await insert_barcodes(uow, [(code, product_id) for product_id, each in products.items() for code in each.barcodes])


async def insert_barcodes(uow: UnitOfWork, barcodes: Sequence[tuple[str, UUID]]) -> None:
    """Insert barcodes of products. Raises: BarcodeTaken."""
    if barcodes:
        await uow.execute(
            """-- catalog.insert_barcodes
            insert into product_barcodes (business_id, barcode, product_id)
            select $1, t.barcode, t.product_id from unnest($2::text[], $3::uuid[]) t (barcode, product_id)""",
            uow.tenant,
            [barcode for barcode, _ in barcodes],
            [product_id for _, product_id in barcodes],
        )


async def delete_barcodes(uow: UnitOfWork, barcodes: Sequence[str], *, product_id: UUID) -> None:
    """Take barcodes off a product."""
    await uow.execute(
        """-- catalog.delete_barcodes
        delete from product_barcodes where business_id = $1 and product_id = $2 and barcode = any ($3)""",
        uow.tenant,
        product_id,
        list(barcodes),
    )


async def update_product(uow: UnitOfWork, product: ProductView) -> int:
    """Write a locked product's description as it stands in the view, and return its new revision. Raises: SkuTaken.

    Another price is another row of its history, later than the one before even where transactions began in another order.
    """
    return await uow.fetchval(
        """-- catalog.update_product
        with priced as (
          insert into product_prices (business_id, product_id, since, price_cents)
          select $1, $2, greatest($14, (select max(h.since) + interval '1 microsecond' from product_prices h
            where h.business_id = $1 and h.product_id = $2)), $7
          from products p where p.business_id = $1 and p.id = $2 and p.price_cents <> $7)
        update products set name = $3, sku = $4, unit = $5, category = $6, price_cents = $7, buying_price_cents = $8, vat_class = $9,
          reorder_point = $10, track_stock = $11, track_expiry = $12, active = $13, updated_at = $14, rev = rev + 1
        where business_id = $1 and id = $2 returning rev""",
        uow.tenant,
        product.id,
        product.name,
        product.sku,
        product.unit,
        product.category,
        product.price_cents,
        product.buying_price_cents,
        product.vat_class,
        product.reorder_point,
        product.track_stock,
        product.track_expiry,
        product.active,
        product.updated_at,
    )


async def find_product(uow: UnitOfWork, product_id: UUID) -> ProductView | None:
    """Return a product, or None."""
    row = await uow.fetchrow(
        _FIND,
        uow.tenant,
        product_id,
    )
    return _view(dict(row)) if row else None


async def lock_product(uow: UnitOfWork, product_id: UUID) -> int | None:
    """Lock a product against other changes, not against sales, and return its revision, or None."""
    return await uow.fetchval(
        """-- catalog.lock_product
        select rev from products where business_id = $1 and id = $2 for no key update""",
        uow.tenant,
        product_id,
    )


async def page_products(uow: UnitOfWork, place: Place) -> list[ChangedRow]:
    """Return products as tills know them, in the order of their changes after a place."""
    rows = await uow.fetch(_PAGE, uow.tenant, place.sequence, place.id, place.branch_id, place.limit)
    return [ChangedRow(row["document_id"], row["seq"], row["rev"], row["document"]) for row in rows]


async def lock_product_document(uow: UnitOfWork, product_id: UUID) -> ChangedRow | None:
    """Lock a product as `lock_product` does, and return it as tills know it, or None."""
    row = await uow.fetchrow(_LOCK_DOCUMENT, uow.tenant, product_id)
    return None if row is None else ChangedRow(product_id, 0, row["rev"], row["document"])


async def list_products(uow: UnitOfWork, *, after: Position | None, limit: int) -> list[ProductView]:
    """Return products by name, then id, beyond a position."""
    return [_view(dict(row)) for row in await uow.fetch(_LIST, *_matching(uow, ProductFilter(), after, limit=limit))]


async def write_products(
    uow: UnitOfWork, wanted: ProductFilter, *, after: Position | None, limit: int, with_cost: bool
) -> WrittenPage:
    """Return a page of products by name, then id, beyond a position, as JSON that PostgreSQL writes."""
    row = await uow.fetchrow(_WRITE, *_matching(uow, wanted, after, limit=limit + 1), with_cost)
    assert row is not None, "an aggregate has a row"
    last = None if row["last_id"] is None else (row["last_name"], row["last_id"])
    return WrittenPage(row["rows"], last, row["version"])


def _matching(uow: UnitOfWork, wanted: ProductFilter, after: Position | None, *, limit: int) -> tuple[Any, ...]:
    """Return the arguments of `_MATCHING`."""
    return uow.tenant, *(after or _START), wanted.category, wanted.active, wanted.q, limit


async def list_taken(uow: UnitOfWork, *, skus: Iterable[str], barcodes: Iterable[str]) -> tuple[set[str], set[str]]:
    """Return those of some SKUs and barcodes that products have already."""
    row = await uow.fetchrow(
        """-- catalog.list_taken
        select array(select p.sku from products p where p.business_id = $1 and p.sku = any ($2)) as skus,
               array(select b.barcode from product_barcodes b where b.business_id = $1 and b.barcode = any ($3)) as barcodes""",
        uow.tenant,
        list(skus),
        list(barcodes),
    )
    assert row is not None, "a select without a condition has a row"
    return set(row["skus"]), set(row["barcodes"])


async def list_vat_rates(uow: UnitOfWork, *, on: date | None) -> list[VatRateView]:
    """Return every rate there is or, for a day, the one of each class that holds then."""
    rows = await uow.fetch(
        """-- catalog.list_vat_rates
        select r.vat_class, r.name, r.rate_basis_points, r.valid_from from vat_rates r
        where $1::date is null or r.valid_from = (
          select max(other.valid_from) from vat_rates other where other.vat_class = r.vat_class and other.valid_from <= $1)
        order by r.vat_class, r.valid_from""",
        on,
    )
    return [VatRateView(**row) for row in rows]


async def products_version(uow: UnitOfWork) -> int:
    """Return a number that rises with every change of a product."""
    return await uow.fetchval(
        """-- catalog.products_version
        select sync_collection_seq($1, 'products')""",
        uow.tenant,
    )


def _view(row: dict[str, Any]) -> ProductView:
    """Make a view without validating what the schema's own checks hold; a list page has two hundred of them."""
    barcodes: list[str] = row["barcodes"]
    row["barcode"] = barcodes[0] if barcodes else None
    row["vat_class"] = VatClass(row["vat_class"])
    return ProductView.model_construct(set(row), **row)
