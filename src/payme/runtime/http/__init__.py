"""HTTP at the edge: the application, who may call what, and the conventions that every endpoint shares.

An endpoint declares its route and calls one service; the call runs it in one transaction and answers:

    router = Router(prefix="/v1/businesses/{business_id}/sales", tag="sales")

    @router.post(operation="sales_create", status=201, response=SaleView, may="sales.create", errors=(StockShort,))
    async def create_sale(call: Call, command: CreateSale) -> Response:
        '''Record a sale.'''
        return await call.idempotent(command, lambda uow: services.create_sale(uow, command))

    @router.get(operation="sales_list", response=Page[SaleRow], may="sales.read")
    async def list_sales(call: Call, query: Paging, status: SaleStatus | None = None) -> Response:
        '''List sales, newest first.'''
        return await call.read_page(
            query, lambda uow, after, limit: services.list_sales(uow, after, limit, status=status), key=lambda sale: [sale.id]
        )

    feature = Feature("sales", "What was sold, to whom, and how it was paid.", (router,))

`call.read` answers a query with an ETag, `call.write` runs a change, `call.update` one that needs If-Match, `call.idempotent` one
that needs an Idempotency-Key. A parameter of the path other than the business is a parameter of the endpoint, with its type.
"""

from starlette.responses import Response

from payme.runtime.http.access import Access, Authenticator, Credentials, CsrfGuard, Principal, may, public, signed_in
from payme.runtime.http.app import create_app
from payme.runtime.http.call import Call, page
from payme.runtime.http.cursors import Cursors, PageQuery, Paging
from payme.runtime.http.openapi import problems
from payme.runtime.http.options import HttpOptions, Shield
from payme.runtime.http.routing import Feature, Router
from payme.runtime.http.streaming import LiveStream, send_text

__all__ = [
    "Access",
    "Authenticator",
    "Call",
    "Credentials",
    "CsrfGuard",
    "Cursors",
    "Feature",
    "HttpOptions",
    "LiveStream",
    "PageQuery",
    "Paging",
    "Principal",
    "Response",
    "Router",
    "Shield",
    "create_app",
    "may",
    "page",
    "problems",
    "public",
    "send_text",
    "signed_in",
]
