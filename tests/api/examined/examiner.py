"""schemathesis, an examiner who knows nothing of us but the OpenAPI document, and what we hold its requests against.

It makes right and wrong requests out of the document and checks status, media type, schema, method and credentials by itself.
Added here: a refusal carries a code that the document lists; a request that fits the document is not called invalid; and what
was refused, or only read, has changed no row. Invariant: requests go one after the other, or a change could not be laid at a
request's door.
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx2
import schemathesis
from schemathesis import engine, hooks
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events

from tests.api.examined.conftest import Place, Traces
from tests.people import PASSWORD

PROBLEM = "application/problem+json"
ENDS_SESSIONS = frozenset({"auth_logout", "sessions_end", "sessions_list"})
ENDS_DEVICES = frozenset({"devices_revoke"})
EVERYWHERE = frozenset({"http.malformed", "http.method_not_allowed", "http.not_found"})
"""Refusals that come before any operation is found, and so belong to none."""
OF_A_PRODUCT = frozenset({"stock_receive", "stock_adjust", "stock_spoil"})
PRICE_CENTS = 10_000
"""Of the product that the place was filled with."""
_MOST_PIECES = 3
_REQUEST_SECONDS = 30


@dataclass(frozen=True)
class Scope:
    """How much is asked: examples for each operation, and whether each boundary and each chain of operations is tried."""

    examples: int
    everything: bool
    seed: int


@dataclass
class Report:
    """What was asked and what was found, each finding under its name with the first request that showed it."""

    statuses: Counter[int] = field(default_factory=Counter)
    phases: Counter[str] = field(default_factory=Counter)
    findings: dict[str, str] = field(default_factory=dict)
    seen: dict[str, set[int]] = field(default_factory=dict)

    def add(self, name: str, evidence: str) -> None:
        self.findings.setdefault(name, evidence)

    @property
    def requests(self) -> int:
        return sum(self.statuses.values())


class Examiner:
    """One examination of a place."""

    def __init__(self, place: Place, document: dict[str, Any], scope: Scope) -> None:
        self.report = Report()
        self._place = place
        self._document = document
        self._loop = asyncio.get_running_loop()
        self._before: Traces = {}
        self._keys = itertools.count(1)
        self._codes = dict(_documented(document))
        config = SchemathesisConfig.from_dict(_configuration(place, scope))
        self._schema = schemathesis.openapi.from_dict(document, config=config)
        self._listen()

    async def run(self) -> Report:
        """Ask everything, and return what was found."""
        self._before = await self._place.witness.look()
        await asyncio.to_thread(self._run)
        return self.report

    def _listen(self) -> None:
        examiner = self

        @self._schema.auth(refresh_interval=None)
        class Bearer:
            def get(self, case: Any, context: Any) -> str:
                return examiner._token_for(_name(case))

            def set(self, case: Any, data: str, context: Any) -> None:
                case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}

        hook: Any = self._schema.hook

        @hook
        def after_call(context: Any, case: Any, response: Any) -> None:
            self._judge(case, response)

    def _make_it_possible(self, case: Any) -> None:
        """Have a request that is right in form speak of what exists, under a key of its own; chance knows neither."""
        if "Idempotency-Key" in (case.headers or {}):
            case.headers["Idempotency-Key"] = f"examined-{next(self._keys)}"
        name, product_id = _name(case), str(self._place.things.product_id)
        self._speak_of_what_is_there(case, name)
        if not isinstance(case.body, dict):
            return
        if name == "sales_create":
            case.body = _that_adds_up(case.body, product_id)
        elif name in OF_A_PRODUCT and isinstance(case.body.get("product_id"), str):
            case.body = {**case.body, "product_id": product_id, "approver": None}
        elif name == "sales_void":
            # Nobody stands beside the owner who could agree.
            case.body = {**case.body, "approver": None}

    def _speak_of_what_is_there(self, case: Any, name: str) -> None:
        """Have a request name the device and the credit account of the place; one that ends a device finds none."""
        things = self._place.things
        known = {"credit_account_id": str(things.credit_account_id), "device_id": str(things.device_id)}
        if name in ENDS_DEVICES:
            return
        for named in known.keys() & (case.path_parameters or {}).keys():
            case.path_parameters[named] = known[named]
        for header in [each for each in (case.headers or {}) if each.lower() == "x-device-id"]:
            case.headers[header] = known["device_id"]

    def _run(self) -> None:
        def before_call(context: Any, case: Any, kwargs: Any) -> None:
            if case.meta is not None and case.meta.generation.mode.is_positive:
                self._make_it_possible(case)

        # The library takes this hook for all schemas alone.
        schemathesis.hook(before_call)
        try:
            self._examine()
        finally:
            hooks.unregister(before_call)

    def _examine(self) -> None:
        for event in engine.from_schema(self._schema).execute():
            if isinstance(event, events.NonFatalError):
                self.report.add(f"error {event.label}", str(event.value))
            elif isinstance(event, events.FatalError):
                raise event.exception
            elif isinstance(event, events.ScenarioFinished):
                self._gather(event)

    def _gather(self, event: events.ScenarioFinished) -> None:
        recorder = event.recorder
        self.report.phases[str(event.phase)] += len(recorder.interactions)
        for interaction in recorder.interactions.values():
            if interaction.response is not None:
                self.report.statuses[interaction.response.status_code] += 1
        for checks in recorder.checks.values():
            for check in checks:
                if check.failure_info is not None:
                    failure = check.failure_info.failure
                    name = f"{failure.title}: {failure.operation}"
                    self.report.add(name, f"{failure.message}\n{check.failure_info.code_sample}")

    def _token_for(self, name: str) -> str:
        """Return the owner's token; a request that may end sessions gets one of somebody else."""
        if name not in ENDS_SESSIONS:
            return self._place.shop.owner.access_token
        body = {"identifier": self._place.leaver.phone, "password": PASSWORD}
        answer = httpx2.post(f"{self._place.api.base_url}/v1/auth/login", json=body, trust_env=False)
        return str(answer.json()["access_token"])

    def _judge(self, case: Any, response: Any) -> None:
        name, status, request = _name(case), response.status_code, response.request
        self.report.seen.setdefault(name, set()).add(status)
        evidence = (
            f"{request.method} {request.url}\n{(request.body or b'')[:800]!r}\n{status} {response.content[:800]!r}"
        )
        if status >= 400 and request.method != "HEAD":
            self._judge_refusal(case, response, evidence)
        now = asyncio.run_coroutine_threadsafe(self._place.witness.look(), self._loop).result(_REQUEST_SECONDS)
        changed = sorted(table for table in now if now[table] != self._before.get(table))
        if changed and (status >= 400 or request.method in {"GET", "HEAD"}):
            self.report.add(f"refused or read, and written: {name} {status} {changed}", evidence)
        self._before = now

    def _judge_refusal(self, case: Any, response: Any, evidence: str) -> None:
        name, status = _name(case), response.status_code
        if response.headers["content-type"][0] != PROBLEM:
            self.report.add(f"no problem document: {name} {status}", evidence)
            return
        problem = response.json()
        code = problem["code"]
        if code not in self._codes[name].get(str(status), set()) | EVERYWHERE:
            self.report.add(f"undocumented refusal: {name} {status} {code}", evidence)
        is_positive = case.meta is not None and case.meta.generation.mode.is_positive
        if is_positive and code == "http.invalid":
            for each in problem["errors"]:
                self.report.add(f"fits the document, called invalid: {name} {each['pointer']} {each['code']}", evidence)
        if is_positive and code == "idempotency.key_invalid":
            self.report.add(f"fits the document, called invalid: {name} Idempotency-Key", evidence)


def _configuration(place: Place, scope: Scope) -> dict[str, Any]:
    """Return schemathesis' configuration: its checks all on, but for what is said here."""
    return {
        "base-url": place.api.base_url,
        "parameters": {"business_id": str(place.shop.id)},
        "request-timeout": _REQUEST_SECONDS,
        "continue-on-failure": True,
        "seed": scope.seed,
        "generation": {"max-examples": scope.examples, "no-shrink": True, "database": "none", "allow-x00": False},
        "phases": {"coverage": {"enabled": scope.everything}, "stateful": {"enabled": scope.everything}},
        "checks": {
            # A document tells the form of a request, not whether the goods are there: `_judge` looks closer.
            "positive_data_acceptance": {"enabled": False},
            # 428 is how a missing If-Match is answered (RFC 6585).
            "missing_required_header": {"expected-statuses": [400, 401, 403, 422, 428]},
        },
    }


def _that_adds_up(cart: Any, product_id: str) -> Any:
    """Put a product that exists into a cart that is right in form, and let its first tender pay it.

    Whole pieces at the catalogue's price, without discounts: what chance draws of those is refused, as it should be.
    """
    try:
        pieces = 0
        for line in cart["lines"]:
            count = min(max(int(Decimal(line["quantity"])), 1), _MOST_PIECES)
            line |= {"product_id": product_id, "quantity": str(count), "discount_cents": 0, "unit_price_cents": None}
            pieces += count
        tender = {**cart["tenders"][0], "amount_cents": pieces * PRICE_CENTS}
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return cart
    tender.pop("received_cents", None)
    kept = {name: cart[name] for name in cart if name not in {"approver", "branch_id", "discount_cents", "till_id"}}
    return {**kept, "tenders": [tender]}


def _name(case: Any) -> str:
    return str(case.operation.definition.raw["operationId"])


def _documented(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, set[str]]]]:
    """Name for each operation and status the codes that the document lists."""
    for item in document["paths"].values():
        for operation in item.values():
            yield (
                operation["operationId"],
                {
                    status: set(answer.get("content", {}).get(PROBLEM, {}).get("examples", {}))
                    for status, answer in operation["responses"].items()
                },
            )
