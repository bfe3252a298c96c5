"""The control API under `/_sim`: what a test or a person steers the simulator with.

Lives here: HTTP in, one call, JSON out. Does not live here: behaviour.
Invariant: a body that is not understood changes nothing and is answered with 422 and the reasons.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from payme_sim.apps import App, ShortCode
from payme_sim.faults import FaultOrder
from payme_sim.outcomes import BY_SUFFIX
from payme_sim.prompts import PromptClosed, Push
from payme_sim.settings import Settings
from payme_sim.world import World

# An answer waits this long, in real seconds, for the callback it sets off, so that callers may look at once.
_SETTLE_SECONDS = 2.0
_MSISDN = re.compile(r"254[17]\d{8}", re.ASCII)

Body = TypeVar("Body", bound=BaseModel)
Endpoint = Callable[[Request], Awaitable[Response]]


class Unknown(Exception):
    """Nothing of this name exists here."""


class _Command(BaseModel):
    model_config = ConfigDict(extra="forbid")


class MoveClock(_Command):
    """Advance by seconds, or set an instant not before the present one; freeze or follow real time."""

    advance_seconds: float | None = Field(default=None, ge=0)
    set: AwareDatetime | None = None
    frozen: bool | None = None


class Reset(_Command):
    """Begin again, with another seed or instant where given."""

    seed: int | None = None
    now: AwareDatetime | None = None
    frozen: bool | None = None


class AnswerPrompt(_Command):
    """What the person at the phone does."""

    action: Literal["pin", "cancel", "ignore"]
    pin: str = ""


class ChangeWallet(_Command):
    """A number's PIN and balance."""

    pin: str | None = Field(default=None, pattern=r"^\d{4}$")
    balance_cents: int | None = Field(default=None, ge=0, le=50_000_000)


async def health(request: Request) -> Response:
    """Tell that the simulator answers, and which process and seed it is."""
    world = _world(request)
    return JSONResponse({"status": "ok", "seed": world.seed, "pid": os.getpid()})


async def show_clock(request: Request) -> Response:
    """Show the virtual instant and how many timers wait."""
    return JSONResponse(_clock_view(_world(request)))


async def move_clock(request: Request) -> Response:
    """Move the clock; answered when everything that fell due has happened."""
    world, command = _world(request), await _read(request, MoveClock)
    if command.frozen is not None:
        world.clock.set_frozen(frozen=command.frozen)
    target = command.set or world.clock.now()
    fired = await world.clock.advance_to(target + timedelta(seconds=command.advance_seconds or 0))
    return JSONResponse(_clock_view(world) | {"fired": fired})


async def reset(request: Request) -> Response:
    """Begin again from nothing."""
    world, command = _world(request), await _read(request, Reset)
    world.reset(seed=command.seed, start=command.now, frozen=command.frozen)
    return JSONResponse({"seed": world.seed} | _clock_view(world))


async def list_faults(request: Request) -> Response:
    """List the faults still waiting."""
    return JSONResponse({"faults": [_json(fault) for fault in _world(request).faults.waiting]})


async def order_fault(request: Request) -> Response:
    """Order a fault."""
    return JSONResponse(_json(_world(request).faults.order(await _read(request, FaultOrder))), 201)


async def cancel_faults(request: Request) -> Response:
    """Cancel one fault, or all."""
    fault_id = request.path_params.get("fault_id")
    cancelled = _world(request).faults.cancel(fault_id)
    if fault_id is not None and not cancelled:
        raise Unknown
    return JSONResponse({"cancelled": cancelled})


async def show_settings(request: Request) -> Response:
    """Show the switches."""
    return JSONResponse(_json(_world(request).settings))


async def change_settings(request: Request) -> Response:
    """Change the switches named in the body."""
    world = _world(request)
    wanted = await _read(request, Settings)
    for name in wanted.model_fields_set:
        setattr(world.settings, name, getattr(wanted, name))
    return JSONResponse(_json(world.settings))


async def list_apps(request: Request) -> Response:
    """List apps and short codes with their keys, which open nothing real."""
    apps = _world(request).apps
    return JSONResponse(
        {
            "apps": [_json(app) for app in apps.apps.values()],
            "shortcodes": [_json(code) for code in apps.shortcodes.values()],
        }
    )


async def add_app(request: Request) -> Response:
    """Register an app."""
    app = await _read(request, App)
    _world(request).apps.apps[app.consumer_key] = app
    return JSONResponse(_json(app), 201)


async def add_shortcode(request: Request) -> Response:
    """Register a paybill, or a store with its till."""
    code = await _read(request, ShortCode)
    _world(request).add_shortcode(code)
    return JSONResponse(_json(code), 201)


async def show_ledger(request: Request) -> Response:
    """Show all balances and payments."""
    return JSONResponse(_world(request).ledger.view())


async def change_wallet(request: Request) -> Response:
    """Set a number's PIN or balance, making the wallet if need be."""
    ledger, command = _world(request).ledger, await _read(request, ChangeWallet)
    msisdn = str(request.path_params["msisdn"])
    if not _MSISDN.fullmatch(msisdn):
        raise Unknown
    wallet = ledger.wallet(msisdn)
    wallet.pin = command.pin or wallet.pin
    if command.balance_cents is not None:
        ledger.set_balance(msisdn, command.balance_cents)
    return JSONResponse({"msisdn": msisdn, "balance_cents": wallet.balance_cents})


async def list_prompts(request: Request) -> Response:
    """List the open prompts, oldest first, of one number if `msisdn` is given."""
    msisdn = request.query_params.get("msisdn")
    pushes = _world(request).prompts.by_checkout_id.values()
    return JSONResponse(
        {"prompts": [prompt_view(push) for push in pushes if push.is_open and msisdn in {None, push.phone}]}
    )


async def answer_prompt(request: Request) -> Response:
    """Answer a prompt by its id or its checkout request id."""
    world, command = _world(request), await _read(request, AnswerPrompt)
    wanted = str(request.path_params["prompt_id"])
    found = [push for push in world.prompts.by_checkout_id.values() if wanted in {push.id, push.checkout_request_id}]
    if not found:
        raise Unknown
    push = found[0]
    answering = asyncio.ensure_future(
        world.prompts.answer(push, action=command.action, pin=command.pin, settings=world.settings)
    )
    world.clock.keep(answering)
    await asyncio.wait({answering}, timeout=_SETTLE_SECONDS)
    if answering.done():
        answering.result()
    return JSONResponse(prompt_view(push))


async def show_transcript(request: Request) -> Response:
    """List what happened, filtered by any fact, such as `event` or `checkout_request_id`."""
    wanted = dict(request.query_params)
    after, limit = int(wanted.pop("after", "0")), int(wanted.pop("limit", "1000"))
    return JSONResponse({"entries": _world(request).transcript.select(wanted, after=after, limit=limit)})


async def show_outcomes(request: Request) -> Response:
    """List the suffix table."""
    del request
    return JSONResponse({suffix: outcome.meaning for suffix, outcome in BY_SUFFIX.items()})


def prompt_view(push: Push) -> dict[str, Any]:
    """Show a prompt as tests and the phone page read it."""
    return {
        "id": push.id,
        "checkout_request_id": push.checkout_request_id,
        "msisdn": push.phone,
        "amount": push.amount,
        "name": push.shortcode.name,
        "reference": push.reference,
        "text": push.text,
        "opened_at": push.opened_at.isoformat(),
        "expires_at": push.expires_at.isoformat(),
        "waits_for_person": push.outcome is None,
        "ignored": push.ignored,
        "open": push.is_open,
        "result_code": push.result_code,
        "receipt": push.payment.receipt if push.payment else None,
    }


def guarded(endpoint: Endpoint) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    """Answer the control API's own refusals."""

    async def run(request: Request) -> Response:
        try:
            return await endpoint(request)
        except ValidationError as error:
            reasons = [{"field": ".".join(map(str, at["loc"])), "reason": at["msg"]} for at in error.errors()]
            return JSONResponse({"error": "invalid", "reasons": reasons}, 422)
        except ValueError as error:
            return JSONResponse({"error": "invalid", "reasons": [{"field": "", "reason": str(error)}]}, 422)
        except Unknown:
            return JSONResponse({"error": "unknown"}, 404)
        except PromptClosed:
            return JSONResponse({"error": "closed"}, 409)

    return run


def control_routes() -> list[Route]:
    """List the routes of the control API."""
    table: list[tuple[str, str, Endpoint]] = [
        ("GET", "/_sim/health", health),
        ("GET", "/_sim/clock", show_clock),
        ("POST", "/_sim/clock", move_clock),
        ("POST", "/_sim/reset", reset),
        ("GET", "/_sim/faults", list_faults),
        ("POST", "/_sim/faults", order_fault),
        ("DELETE", "/_sim/faults", cancel_faults),
        ("DELETE", "/_sim/faults/{fault_id:int}", cancel_faults),
        ("GET", "/_sim/settings", show_settings),
        ("PATCH", "/_sim/settings", change_settings),
        ("GET", "/_sim/apps", list_apps),
        ("POST", "/_sim/apps", add_app),
        ("POST", "/_sim/shortcodes", add_shortcode),
        ("GET", "/_sim/ledger", show_ledger),
        ("PATCH", "/_sim/wallets/{msisdn}", change_wallet),
        ("GET", "/_sim/prompts", list_prompts),
        ("POST", "/_sim/prompts/{prompt_id}/answer", answer_prompt),
        ("GET", "/_sim/transcript", show_transcript),
        ("GET", "/_sim/outcomes", show_outcomes),
    ]
    return [Route(path, guarded(endpoint), methods=[method]) for method, path, endpoint in table]


def _world(request: Request) -> World:
    world: World = request.app.state.world
    return world


async def _read(request: Request, kind: type[Body]) -> Body:
    return kind.model_validate_json(await request.body() or b"{}")


def _json(model: BaseModel) -> dict[str, Any]:
    return model.model_dump(mode="json")


def _clock_view(world: World) -> dict[str, Any]:
    now: datetime = world.clock.now()
    return {
        "now": now.isoformat(),
        "nairobi": world.clock.nairobi().isoformat(),
        "frozen": world.clock.frozen,
        "pending": world.clock.pending,
    }
