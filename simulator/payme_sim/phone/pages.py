"""Serving the phone page and what it shows.

Lives here: three files, and the state of one phone as JSON. Does not live here: answering, which is the control API's.
Invariant: every answer carries a policy that allows only this origin's own files.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from payme_sim.clock import NAIROBI
from payme_sim.control.steering import prompt_view
from payme_sim.movements import Movement
from payme_sim.outcomes import result_text
from payme_sim.prompts import Push
from payme_sim.world import World

_FILES = Path(__file__).parent
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_SHOWN_MESSAGES = 20


async def show_page(request: Request) -> Response:
    """Serve the page; the script reads the number from the address."""
    del request
    return FileResponse(_FILES / "phone.html", headers=_HEADERS, media_type="text/html; charset=utf-8")


async def show_style(request: Request) -> Response:
    """Serve the style sheet."""
    del request
    return FileResponse(_FILES / "phone.css", headers=_HEADERS, media_type="text/css; charset=utf-8")


async def show_script(request: Request) -> Response:
    """Serve the script."""
    del request
    return FileResponse(_FILES / "phone.js", headers=_HEADERS, media_type="text/javascript; charset=utf-8")


async def show_icon(request: Request) -> Response:
    """Serve the icon, so that a browser does not ask elsewhere for one."""
    del request
    return FileResponse(_FILES / "icon.svg", headers=_HEADERS, media_type="image/svg+xml")


async def list_phones(request: Request) -> Response:
    """List every number seen, those with a waiting prompt first."""
    world: World = request.app.state.world
    waiting = {payment.msisdn: 0 for payment in world.ledger.payments}
    for push in world.prompts.by_checkout_id.values():
        waiting[push.phone] = waiting.get(push.phone, 0) + int(_is_shown(push))
    ordered = sorted(waiting.items(), key=lambda phone: (phone[1] == 0, phone[0]))
    return JSONResponse(
        {"phones": [{"msisdn": msisdn, "waiting": count} for msisdn, count in ordered]}, headers=_HEADERS
    )


async def show_phone(request: Request) -> Response:
    """Show one phone: its waiting prompt, its last result, its messages, newest first."""
    world: World = request.app.state.world
    msisdn = str(request.path_params["msisdn"])
    now = world.clock.now()
    pushes = [push for push in world.prompts.by_checkout_id.values() if push.phone == msisdn]
    payments = [payment for payment in reversed(world.ledger.payments) if payment.msisdn == msisdn]
    view = {
        "msisdn": msisdn,
        "time": world.clock.nairobi().strftime("%H:%M"),
        "prompts": [
            prompt_view(push) | {"seconds_left": max(0, int((push.expires_at - now).total_seconds()))}
            for push in pushes
            if _is_shown(push)
        ],
        "last": _last_result(pushes),
        "messages": [_message(world, payment) for payment in payments[:_SHOWN_MESSAGES]],
    }
    return JSONResponse(view, headers=_HEADERS)


def phone_routes() -> list[Route]:
    """List the routes of the phone page."""
    return [
        Route("/phone/assets/phone.css", show_style, methods=["GET"]),
        Route("/phone/assets/phone.js", show_script, methods=["GET"]),
        Route("/phone/assets/icon.svg", show_icon, methods=["GET"]),
        Route("/phone/state", list_phones, methods=["GET"]),
        Route("/phone/state/{msisdn}", show_phone, methods=["GET"]),
        Route("/phone", show_page, methods=["GET"]),
        Route("/phone/{msisdn}", show_page, methods=["GET"]),
    ]


def _is_shown(push: Push) -> bool:
    return push.is_open and not push.ignored and (push.outcome is None or push.outcome.shown)


def _last_result(pushes: list[Push]) -> dict[str, Any] | None:
    finished = [push for push in pushes if push.result_code is not None]
    if not finished:
        return None
    push = max(finished, key=lambda push: push.closed_at or push.opened_at)
    code = push.result_code or ""
    cents = push.payment.amount_cents if push.payment else push.amount * 100
    return {"code": code, "text": push.result_text or result_text(code), "amount": cents // 100}


def _message(world: World, payment: Movement) -> dict[str, str]:
    """Write the confirmation that a payer gets by SMS."""
    code = world.apps.shortcodes[payment.shortcode]
    at = payment.at.astimezone(NAIROBI)
    account = f" for account {payment.reference}" if code.till_number is None else ""
    verb = "sent" if code.till_number is None else "paid"
    hour = at.strftime("%I:%M %p").lstrip("0")
    text = (
        f"{payment.receipt} Confirmed. Ksh{_money(payment.amount_cents)} {verb} to {code.name}{account} "
        f"on {at.day}/{at.month}/{at:%y} at {hour}. New balance is Ksh{_money(payment.debit_after_cents)}. "
        "Transaction cost, Ksh0.00."
    )
    return {"receipt": payment.receipt, "text": text, "at": at.strftime("%H:%M")}


def _money(cents: int) -> str:
    return f"{cents // 100:,}.{cents % 100:02d}"
