"""The rules a callback address must obey, checked before Safaricom checks them.

A secret in the path should be hexadecimal: base64 can spell a forbidden word by chance, hexadecimal cannot.
Source: Daraja portal, register URL and STK push.
"""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from payme.integrations.daraja.errors import InvalidCallbackUrl

FORBIDDEN_WORDS = ("m-pesa", "mpesa", "safaricom", "exe", "exec", "cmd", "sql", "query")
TUNNELS = ("ngrok", "mockbin", "requestbin")
LONGEST = 255
_PLACEHOLDER = re.compile(r"[<>{}\s]|[^\x21-\x7e]")


def callback_url_faults(url: str, *, production: bool) -> tuple[str, ...]:
    """Return every rule an address breaks, in words; empty means that Safaricom would take it.

    Outside production plain http, loopback addresses and tunnels are allowed, as in the sandbox.
    """
    if _PLACEHOLDER.search(url):
        return ("it holds a space or an unfilled placeholder",)
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return ("it is no web address",)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return ("it is no web address",)
    faults = [f"it contains the word {word}" for word in FORBIDDEN_WORDS if word in url.lower()]
    if parts.username is not None or parts.fragment:
        faults.append("it carries a user name or a fragment")
    if len(url) > LONGEST:
        faults.append(f"it is longer than {LONGEST} characters")
    return (*faults, *(_production_faults(parts) if production else ()))


def require_callback_url(url: str, *, production: bool) -> None:
    """Accept an address or raise.

    Raises: InvalidCallbackUrl with every broken rule.
    """
    if faults := callback_url_faults(url, production=production):
        raise InvalidCallbackUrl(faults=list(faults))


def _production_faults(parts: SplitResult) -> list[str]:
    host = parts.hostname or ""
    faults: list[str] = []
    if parts.scheme != "https":
        faults.append("it is not https")
    if any(tunnel in host for tunnel in TUNNELS):
        faults.append("its host is a tunnel or a request bin")
    if not _is_public(host):
        faults.append("its host cannot be reached from the internet")
    return faults


def _is_public(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host.strip(".") and not host.endswith((".local", ".localhost", ".internal", ".test", ".invalid"))
