"""One request as an endpoint sees it: who calls, in which business, and the ways to run a piece of work and answer with it.

Every way opens one unit of work, commits it and answers with the view's JSON, serialised once. The edge commits; nobody else.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from pydantic import BaseModel
from starlette.responses import Response

from payme.kit.actor import ANONYMOUS, Actor
from payme.kit.pagination import Page, WrittenPage
from payme.runtime.http.bodies import read_body
from payme.runtime.http.idempotency import HEADER, Attempt, answer_once, fingerprint_of, key_of
from payme.runtime.http.preconditions import check_match, etag_of, is_known

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from starlette.requests import Request

    from payme.runtime.database import Database, UnitOfWork
    from payme.runtime.http.access import Principal
    from payme.runtime.http.cursors import PageQuery
    from payme.runtime.http.edge import Edge
    from payme.runtime.http.operation import Operation

View = BaseModel | Response | list[Any] | dict[str, Any] | None
Row = TypeVar("Row")


class Call:
    """The context of one request. `operation` is what the route declared; `body` the raw bytes once they were read.

    `answer_by` (the event loop's clock): when the client has waited long enough, whatever is the matter.
    """

    __slots__ = ("_business_id", "actor", "answer_by", "body", "edge", "operation", "principal", "request")

    def __init__(self, request: Request, *, edge: Edge, operation: Operation) -> None:
        self.request = request
        self.edge = edge
        self.operation = operation
        self.principal: Principal | None = None
        self.actor: Actor = ANONYMOUS
        self.body = b""
        self.answer_by = asyncio.get_running_loop().time() + edge.options.answer_seconds
        self._business_id: UUID | None = None

    @property
    def business_id(self) -> UUID:
        """The business of the path, in which the caller has been found to have a part."""
        assert self._business_id is not None, "this route has no business in its path"
        return self._business_id

    @property
    def signed_in_as(self) -> Principal:
        """Whose credentials came with the request."""
        assert self.principal is not None, "this route is open to the public; there may be nobody"
        return self.principal

    @property
    def database(self) -> Database:
        """The database; for what the methods here do not cover."""
        return self.edge.database

    @property
    def client_address(self) -> str:
        """The address of the caller; X-Forwarded-For counts only from a configured proxy."""
        return self.edge.client_address(self.request.scope)

    @property
    def tenant(self) -> UUID | None:
        """The business that units of work are bound to, if any."""
        return self._business_id

    def within(self, business_id: UUID, actor: Actor | None = None) -> Call:
        """Bind the call to a business that is not in its path, such as one that is being created. The caller has checked it."""
        self._business_id = business_id
        self.actor = actor or self.actor
        return self

    async def read(
        self,
        work: Callable[[UnitOfWork], Awaitable[View]],
        *,
        version: Callable[[UnitOfWork], Awaitable[int | str]] | None = None,
    ) -> Response:
        """Run a query in a read-only transaction and answer 200 with its view and an ETag, or 304.

        `version` is a cheaper query that changes whenever the view may; where the client has that version, `work` is not run.
        """
        known = self.request.headers.get("if-none-match")

        async def run(uow: UnitOfWork) -> tuple[View, str | None]:
            tag = None
            if version is not None:
                tag = etag_of(self._representation(), await version(uow))
                if is_known(known, tag):
                    return Response(status_code=304, headers=_cached(tag)), tag
            return await work(uow), tag

        view, tag = await self.database.run(run, business_id=self._business_id, actor=self.actor, read_only=True)
        if isinstance(view, Response):
            return view
        body = to_json(view)
        tag = tag or etag_of(body, getattr(view, "rev", None))
        if is_known(known, tag):
            return Response(status_code=304, headers=_cached(tag))
        headers = _cached(tag)
        if isinstance(view, Page) and view.next_cursor:
            headers["link"] = self._next_link(view.next_cursor)
        return Response(body, 200, headers, "application/json")

    async def read_page(
        self,
        query: PageQuery,
        work: Callable[[UnitOfWork, list[Any] | None, int], Awaitable[Sequence[Row]]],
        *,
        key: Callable[[Row], Sequence[Any]],
        version: Callable[[UnitOfWork], Awaitable[int | str]] | None = None,
    ) -> Response:
        """Answer with one page of a list.

        `work` gets the position to go on after (None at the start) and how many rows to fetch: one more than the page
        shows. `key` returns a row's position, JSON values in the list's order.
        """
        after = self._position_of(query)

        async def run(uow: UnitOfWork) -> Page[Any]:
            return page(self, await work(uow, after, query.limit + 1), limit=query.limit, key=key)

        return await self.read(run, version=version)

    async def read_page_written(
        self,
        query: PageQuery,
        work: Callable[[UnitOfWork, list[Any] | None, int], Awaitable[WrittenPage]],
        *,
        version: Callable[[UnitOfWork], Awaitable[int]],
    ) -> Response:
        """Answer with one page that the database wrote as JSON.

        `work` gets the position to go on after (None at the start) and how many rows the page shows. `version` is asked for alone
        where the client holds something, which is then not fetched again.
        """
        after, known = self._position_of(query), self.request.headers.get("if-none-match")

        async def run(uow: UnitOfWork) -> WrittenPage | Response:
            if known is not None:
                tag = etag_of(self._representation(), await version(uow))
                if is_known(known, tag):
                    return Response(status_code=304, headers=_cached(tag))
            return await work(uow, after, query.limit)

        found = await self.database.run(run, business_id=self._business_id, actor=self.actor, read_only=True)
        if isinstance(found, Response):
            return found
        cursor = None if found.last is None else self.page_cursor(found.last)
        headers = _cached(etag_of(self._representation(), found.version))
        if cursor:
            headers["link"] = self._next_link(cursor)
        end = f'],"next_cursor":{json.dumps(cursor)},"has_more":{json.dumps(cursor is not None)}}}'
        return Response(f'{{"data":[{found.rows}{end}', 200, headers, "application/json")

    async def write(self, work: Callable[[UnitOfWork], Awaitable[View]], status: int = 200) -> Response:
        """Run the work in one transaction and answer with its view; None answers 204."""
        view = await self.database.run(work, business_id=self._business_id, actor=self.actor)
        return self.answer(view, status)

    async def update(
        self,
        work: Callable[[UnitOfWork], Awaitable[View]],
        *,
        rev: Callable[[UnitOfWork], Awaitable[int | None]],
        created_status: int = 201,
    ) -> Response:
        """Change or create a resource whose revision must be the one the client has read (If-Match).

        `rev` locks the resource and returns its revision, or None where there is none yet.
        Raises: PreconditionRequired, PreconditionFailed.
        """
        if_match = self.request.headers.get("if-match")

        async def run(uow: UnitOfWork) -> tuple[View, bool]:
            current = await rev(uow)
            check_match(if_match, current)
            return await work(uow), current is None

        view, created = await self.database.run(run, business_id=self._business_id, actor=self.actor)
        return self.answer(view, created_status if created else 200)

    async def idempotent(
        self,
        command: object,  # noqa: ARG002 -- the fingerprint is taken from the bytes it was parsed from
        work: Callable[[UnitOfWork], Awaitable[BaseModel]],
        *,
        status: int | Callable[[Any], int] = 201,
        before: Callable[[], Awaitable[None]] | None = None,
    ) -> Response:
        """Run the work once for an Idempotency-Key and answer with its view; later calls get the very same bytes.

        `status` may depend on the view, where the route declares the others in `also`. `before` runs ahead of the transaction and may refuse, as a rate limit does; a replay is given all the same.
        Raises: KeyRequired, KeyInvalid, KeyReused, StillRunning, and what the work raises.
        """
        assert "idempotent" in self.operation.uses, "only the endpoint itself may answer once"
        attempt = Attempt(
            business_id=self.business_id,
            actor=self.actor,
            scope=f"{self.actor.family}:{self.operation.method} {self.operation.path}",
            key=key_of(self.request.headers.get(HEADER)),
            fingerprint=fingerprint_of(
                self.body,
                self.request.path_params,
                key=self.edge.options.fingerprint_key or self.edge.options.secret,
                is_json=not self.operation.consumes,
            ),
            status=status if callable(status) else lambda _view: status,
            deadline=asyncio.get_running_loop().time() + self.edge.options.still_running_seconds,
            answer_by=self.answer_by,
            before=before,
            hides=getattr(self.operation.response, "hidden_without", None),
        )
        return await answer_once(self.database, attempt, work=work, flights=self.edge.flights)

    async def spend(self, budget: str, key: str) -> None:
        """Count one use of a named budget, such as `sign_in` for a phone number. Raises: RateLimited."""
        await self.edge.spend(budget, key, scope=self.request.scope)

    async def check_budget(self, budget: str, key: str) -> None:
        """Refuse where a named budget is used up, without counting a use. Raises: RateLimited."""
        await self.edge.check_budget(budget, key)

    async def read_body(self, limit: int | None = None) -> bytes:
        """Return the raw body, for uploads and callbacks; the limit in bytes is the route's unless given."""
        options = self.edge.options
        self.body = await read_body(
            self.request, limit=limit or self.operation.body_limit(options), seconds=options.body_seconds
        )
        return self.body

    def answer(self, view: View, status: int = 200) -> Response:
        """Return the answer for a view: JSON with an ETag where it has a revision; None is 204."""
        if isinstance(view, Response):
            return view
        if view is None:
            return Response(status_code=204)
        body = to_json(view)
        rev = getattr(view, "rev", None)
        headers = {"cache-control": "no-store"} if rev is None else _cached(etag_of(body, rev))
        return Response(body, status, headers, "application/json")

    def page_cursor(self, position: Sequence[Any]) -> str:
        """Return the signed cursor of a position in this list."""
        return self.edge.cursors.encode(self._cursor_purpose(), position)

    def _position_of(self, query: PageQuery) -> list[Any] | None:
        return None if query.cursor is None else self.edge.cursors.decode(self._cursor_purpose(), query.cursor)

    def _cursor_purpose(self) -> str:
        return f"{self.operation.name}:{self._business_id}"

    def _representation(self) -> bytes:
        held = ",".join(sorted(self.actor.permissions))
        return f"{self.request.scope['path']}?{self.request.scope['query_string']!r}:{held}".encode()

    def _next_link(self, cursor: str) -> str:
        others = [(name, value) for name, value in self.request.query_params.multi_items() if name != "cursor"]
        return f'<{self.request.scope["path"]}?{urlencode([*others, ("cursor", cursor)])}>; rel="next"'


def page(call: Call, rows: Sequence[Row], *, limit: int, key: Callable[[Row], Sequence[Any]]) -> Page[Row]:
    """Make a page of the rows, of which one more than `limit` was asked for; `key` is a row's position."""
    shown = list(rows[:limit])
    if len(rows) <= limit:
        return Page(data=shown)
    return Page(data=shown, next_cursor=call.page_cursor(key(shown[-1])), has_more=True)


def to_json(view: BaseModel | list[Any] | Mapping[str, Any] | None) -> bytes:
    """Return a view as JSON bytes."""
    if isinstance(view, BaseModel):
        return view.__pydantic_serializer__.to_json(view)
    return json.dumps(view, default=_plain, ensure_ascii=False).encode()


def _plain(value: object) -> Any:
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else str(value)


def _cached(tag: str) -> dict[str, str]:
    return {"etag": tag, "cache-control": "private, no-cache"}
