"""Steering a run: clock, seed, faults, switches, apps, prompts, transcript.

Lives here: HTTP in, one call, JSON out. Does not live here: money, behaviour.
Invariant: a body that is not understood changes nothing.
"""

from __future__ import annotations

import asyncio
import os
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import AwareDatetime, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from payme_sim.apps import App, ShortCode
from payme_sim.control.asking import SETTLE_SECONDS, Command, Unknown, as_json, read, world_of
from payme_sim.faults import FaultOrder
from payme_sim.outcomes import BY_SUFFIX
from payme_sim.prompts import Push
from payme_sim.settings import Settings
from payme_sim.world import World


class MoveClock(Command):
    """Advance by seconds, or set an instant not before the present one; freeze or follow real time."""

    advance_seconds: float | None = Field(default=None, ge=0)
    set: AwareDatetime | None = None
    frozen: bool | None = None


class Reset(Command):
    """Begin again, with another seed or instant where given."""

    seed: int | None = None
    now: AwareDatetime | None = None
    frozen: bool | None = None


class AnswerPrompt(Command):
    """What the person at the phone does."""

    action: Literal["pin", "cancel", "ignore"]
    pin: str = ""


class ChangeShortCode(Command):
    """What may change of a short code."""

    name: str | None = Field(default=None, min_length=1, max_length=160)
    validation: bool | None = None
    initiator_name: str | None = Field(default=None, min_length=1)
    initiator_password: str | None = Field(default=None, min_length=1)


async def health(request: Request) -> Response:
    """Tell that the simulator answers, and which process and seed it is."""
    world = world_of(request)
    return JSONResponse({"status": "ok", "seed": world.seed, "pid": os.getpid()})


async def show_clock(request: Request) -> Response:
    """Show the virtual instant, how many timers wait and when the first of them fires."""
    return JSONResponse(_clock_view(world_of(request)))


async def move_clock(request: Request) -> Response:
    """Move the clock; answered when everything that fell due has happened."""
    world, command = world_of(request), await read(request, MoveClock)
    if command.frozen is not None:
        world.clock.set_frozen(frozen=command.frozen)
    target = command.set or world.clock.now()
    fired = await world.clock.advance_to(target + timedelta(seconds=command.advance_seconds or 0))
    return JSONResponse(_clock_view(world) | {"fired": fired})


async def reset(request: Request) -> Response:
    """Begin again from nothing."""
    world, command = world_of(request), await read(request, Reset)
    world.reset(seed=command.seed, start=command.now, frozen=command.frozen)
    return JSONResponse({"seed": world.seed} | _clock_view(world))


async def list_faults(request: Request) -> Response:
    """List the faults still waiting."""
    return JSONResponse({"faults": [as_json(fault) for fault in world_of(request).faults.waiting]})


async def order_fault(request: Request) -> Response:
    """Order a fault."""
    return JSONResponse(as_json(world_of(request).faults.order(await read(request, FaultOrder))), 201)


async def cancel_faults(request: Request) -> Response:
    """Cancel one fault, or all."""
    fault_id = request.path_params.get("fault_id")
    cancelled = world_of(request).faults.cancel(fault_id)
    if fault_id is not None and not cancelled:
        raise Unknown
    return JSONResponse({"cancelled": cancelled})


async def show_settings(request: Request) -> Response:
    """Show the switches."""
    return JSONResponse(as_json(world_of(request).settings))


async def change_settings(request: Request) -> Response:
    """Change the switches named in the body."""
    world = world_of(request)
    wanted = await read(request, Settings)
    for name in wanted.model_fields_set:
        setattr(world.settings, name, getattr(wanted, name))
    return JSONResponse(as_json(world.settings))


async def list_apps(request: Request) -> Response:
    """List apps and short codes with their keys, which open nothing real."""
    apps = world_of(request).apps
    return JSONResponse(
        {
            "apps": [as_json(app) for app in apps.apps.values()],
            "shortcodes": [as_json(code) for code in apps.shortcodes.values()],
        }
    )


async def add_app(request: Request) -> Response:
    """Register an app."""
    app = await read(request, App)
    world_of(request).apps.apps[app.consumer_key] = app
    return JSONResponse(as_json(app), 201)


async def add_shortcode(request: Request) -> Response:
    """Register a paybill, or a store with its till."""
    code = await read(request, ShortCode)
    world_of(request).add_shortcode(code)
    return JSONResponse(as_json(code), 201)


async def change_shortcode(request: Request) -> Response:
    """Change a short code's name, its validation or its operator; a password set anew unlocks the operator."""
    world, command = world_of(request), await read(request, ChangeShortCode)
    code = world.apps.shortcode_of(str(request.path_params["shortcode"]))
    if code is None:
        raise Unknown
    changed = code.model_copy(update=command.model_dump(exclude_none=True))
    world.add_shortcode(changed)
    if command.initiator_password is not None:
        world.initiators.unlock(changed.shortcode)
    return JSONResponse(as_json(changed))


async def show_certificate(request: Request) -> Response:
    """Serve the certificate that security credentials are encrypted with, as PEM."""
    return Response(world_of(request).keys.certificate, media_type="application/x-pem-file")


async def list_prompts(request: Request) -> Response:
    """List the open prompts, oldest first, of one number if `msisdn` is given."""
    msisdn = request.query_params.get("msisdn")
    pushes = world_of(request).prompts.by_checkout_id.values()
    return JSONResponse(
        {"prompts": [prompt_view(push) for push in pushes if push.is_open and msisdn in {None, push.phone}]}
    )


async def answer_prompt(request: Request) -> Response:
    """Answer a prompt by its id or its checkout request id."""
    world, command = world_of(request), await read(request, AnswerPrompt)
    wanted = str(request.path_params["prompt_id"])
    found = [push for push in world.prompts.by_checkout_id.values() if wanted in {push.id, push.checkout_request_id}]
    if not found:
        raise Unknown
    push = found[0]
    answering = asyncio.ensure_future(
        world.prompts.answer(push, action=command.action, pin=command.pin, settings=world.settings)
    )
    world.clock.keep(answering)
    await asyncio.wait({answering}, timeout=SETTLE_SECONDS)
    if answering.done():
        answering.result()
    return JSONResponse(prompt_view(push))


async def show_transcript(request: Request) -> Response:
    """List what happened, filtered by any fact, such as `event` or `checkout_request_id`."""
    wanted = dict(request.query_params)
    after, limit = int(wanted.pop("after", "0")), int(wanted.pop("limit", "1000"))
    return JSONResponse({"entries": world_of(request).transcript.select(wanted, after=after, limit=limit)})


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


def _clock_view(world: World) -> dict[str, Any]:
    now: datetime = world.clock.now()
    due = world.clock.next_due
    return {
        "now": now.isoformat(),
        "nairobi": world.clock.nairobi().isoformat(),
        "frozen": world.clock.frozen,
        "pending": world.clock.pending,
        "next_due": due.isoformat() if due else None,
    }
