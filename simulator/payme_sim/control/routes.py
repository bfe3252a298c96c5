"""Which path of the control API leads where.

Lives here: the table. Does not live here: the endpoints. Invariant: every endpoint is guarded.
"""

from __future__ import annotations

from starlette.routing import Route

from payme_sim.control import money, steering
from payme_sim.control.asking import Endpoint, guarded


def control_routes() -> list[Route]:
    """List the routes of the control API."""
    table: list[tuple[str, str, Endpoint]] = [
        ("GET", "/_sim/health", steering.health),
        ("GET", "/_sim/clock", steering.show_clock),
        ("POST", "/_sim/clock", steering.move_clock),
        ("POST", "/_sim/reset", steering.reset),
        ("GET", "/_sim/faults", steering.list_faults),
        ("POST", "/_sim/faults", steering.order_fault),
        ("DELETE", "/_sim/faults", steering.cancel_faults),
        ("DELETE", "/_sim/faults/{fault_id:int}", steering.cancel_faults),
        ("GET", "/_sim/settings", steering.show_settings),
        ("PATCH", "/_sim/settings", steering.change_settings),
        ("GET", "/_sim/apps", steering.list_apps),
        ("POST", "/_sim/apps", steering.add_app),
        ("POST", "/_sim/shortcodes", steering.add_shortcode),
        ("GET", "/_sim/certificate", steering.show_certificate),
        ("GET", "/_sim/ledger", money.show_ledger),
        ("PATCH", "/_sim/shortcodes/{shortcode}", steering.change_shortcode),
        ("GET", "/_sim/registrations", money.list_registrations),
        ("POST", "/_sim/pay", money.pay),
        ("GET", "/_sim/statement", money.show_statement),
        ("POST", "/_sim/deposits", money.deposit),
        ("PATCH", "/_sim/wallets/{msisdn}", money.change_wallet),
        ("GET", "/_sim/prompts", steering.list_prompts),
        ("POST", "/_sim/prompts/{prompt_id}/answer", steering.answer_prompt),
        ("GET", "/_sim/transcript", steering.show_transcript),
        ("GET", "/_sim/outcomes", steering.show_outcomes),
    ]
    return [Route(path, guarded(endpoint), methods=[method]) for method, path, endpoint in table]
