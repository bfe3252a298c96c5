"""Log lines hold listed fields, one line each, and none of the canaries; metrics show the pools."""

import ast
import io
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY, generate_latest
from structlog.contextvars import bound_contextvars

from payme.runtime.observability import (
    ALLOWED,
    PoolFigures,
    announce_build,
    configure_logging,
    current_request_id,
    scrub,
    watch_pool,
)

SOURCE = Path(__file__).parents[3] / "src"
# In parts, so that no file of ours looks as if it held a secret.
JWT = ".".join(("eyJ" + "hbGciOiJIUzI1NiJ9", "eyJ" + "zdWIiOiJzb21lYm9keSJ9", "c2lnbmF0dXJlLW9mLXRva2Vu"))
API_KEY = "pk_live_" + "Zq8wLr2Vt6yPn4sKd9xHb1mGc5jFa7"
CALLBACK = "Zx9-Qw3_er5Ty7ui9Op1As3dF"
CANARIES = {
    "phone": "call 0712345678 now",
    "phone in international form": "+254712345678",
    "phone as Daraja writes it": "PhoneNumber: 254112345678,",
    "phone with spaces": "0712 345 678",
    "phone with dashes": "0712-345-678",
    "JWT": f"got {JWT}",
    "bearer": f"Authorization: Bearer {JWT}",
    "basic": "authorization=Basic Y29uc3VtZXI6c2VjcmV0Y2FuYXJ5",
    "API key": f"key {API_KEY} used",
    "callback path": f"POST /d/{CALLBACK}/stk",
    "database URL": "postgresql://payme:hunter2canary@db:5432/payme",
    "password": "password=hunter2canary",
    "password in JSON": '{"password": "hunter2canary"}',
    "pin": "pin: 4826",
    "passkey": "MPESA_PASSKEY=bfb279f9aa9bdbcf158e97dd71a467cd2e0c893059b10f78e6b72ada1ed2c919",
    "consumer secret": "mpesa_consumer_secret is hunter2canary",
    "e-mail": "from wanjiku@example.co.ke",
    "long token": "refresh kq3w-8Zt_yVn4sKd9xHb1mGc5jFa7Zq8wLr2Vt6yPn4s given",
}
SECRET_PARTS = (
    "0712345678", "712345678", "112345678", "345 678", "345-678", "eyJ", API_KEY[8:], CALLBACK, "hunter2canary", "4826",
    "bfb279f9", "wanjiku", "Y29uc3VtZXI6", "kq3w-8Zt",
)  # fmt: skip


@pytest.fixture
def lines() -> Any:
    """Everything that is logged, parsed; the configuration before is put back."""
    stream = io.StringIO()
    before = structlog.get_config()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logging("info", stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    structlog.configure(**before)
    root.handlers[:] = handlers
    root.setLevel(level)


Lines = Callable[[], list[dict[str, Any]]]


@pytest.mark.parametrize("name", CANARIES)
def test_no_canary_survives_in_a_message_a_field_an_exception_or_a_foreign_record(name: str, lines: Lines) -> None:
    text = CANARIES[name]
    log = structlog.get_logger("test")
    log.warning(
        text, message=text, reason=[text, {"message": text}], phone="254712345678", pin="4826", password="hunter2canary"
    )
    try:
        float(f"x {text}")
    except ValueError:
        log.exception("failed")
    logging.getLogger("other.library").error("it says %s", text)
    # Microseconds may look like any PIN.
    written = json.dumps([{**line, "timestamp": ""} for line in lines()])
    assert len(lines()) == 3
    assert not [part for part in SECRET_PARTS if part in written]


def test_what_is_no_secret_stays_readable() -> None:
    kept = [
        "sale 01932f6e-7c1f-7b0a-8d7e-0a5b5a1c2d3e completed in 12 ms",
        "request 01932f6e7c1f7b0a8d7e0a5b5a1c2d3e",
        "KES 1,250.00 for receipt UKM4XZ81PQ on shortcode 650880, account 37605544",
        "2026-11-22T09:00:00Z 202611220100_expand_foundation.sql",
        "ws_CO_191220191020363925",
    ]
    assert [scrub(text) for text in kept] == kept


@pytest.mark.parametrize("around", ["{}\n", " {}", "{}-0712345678", "0712345678 {}"])
def test_an_id_hides_nothing_beside_it(around: str) -> None:
    text = around.format("01936f0e-7c2a-7b4e-9d53-7f5d2a1c0b11")
    assert scrub("01936f0e-7c2a-7b4e-9d53-7f5d2a1c0b11") == "01936f0e-7c2a-7b4e-9d53-7f5d2a1c0b11"
    assert "\n" not in scrub(text)
    assert " 0712345678" not in f" {scrub(text)}"


def test_a_phone_shows_its_last_three_digits(lines: Lines) -> None:
    structlog.get_logger("test").info("sent", phone="+254712345678", msisdn="0712345678")
    assert (lines()[0]["phone"], lines()[0]["msisdn"]) == ("*********678", "*******678")
    assert scrub("call 0712345678") == "call *******678"


def test_a_field_that_is_not_listed_is_not_written(lines: Lines) -> None:
    structlog.get_logger("test").info("saved", customer_name="Wanjiku", body={"a": 1}, amount_cents=100)
    assert lines()[0]["customer_name"] == lines()[0]["body"] == "[field not allowed]"
    assert lines()[0]["amount_cents"] == 100


def test_the_head_of_an_audit_chain_stays_readable_and_nothing_else_in_its_field(lines: Lines) -> None:
    structlog.get_logger("test").info("audit.head", head="0a" * 32, position=7)
    structlog.get_logger("test").info("audit.head", head=JWT)
    assert [line["head"] for line in lines()] == ["0a" * 32, "[token]"]


@given(st.text())
def test_no_text_starts_a_new_line(text: str) -> None:
    shown = scrub(text)
    assert len(shown.splitlines()) <= 1
    assert not any(ord(letter) < 32 or 0x7F <= ord(letter) < 0xA0 for letter in shown)


def test_an_injected_line_stays_inside_its_field(lines: Lines) -> None:
    structlog.get_logger("test").info("login", name='x\n{"event": "forged"}\r\x1b[31m\u2028y')
    assert len(lines()) == 1
    assert lines()[0]["event"] == "login"
    assert lines()[0]["name"] == 'x {"event": "forged"} [31m y'


def test_a_line_says_when_how_serious_and_for_which_request(lines: Lines) -> None:
    with bound_contextvars(request_id="req-12345678", business_id=str(UUID(int=7))):
        assert current_request_id() == "req-12345678"
        structlog.get_logger("test").warning("slow", seconds=1.5)
        logging.getLogger("other").warning("foreign")
    ours, foreign = lines()
    assert ours["level"] == "warning"
    assert ours["timestamp"].endswith("Z")
    assert ours["request_id"] == foreign["request_id"] == "req-12345678"
    assert foreign["logger"] == "other"
    assert current_request_id() is None


def test_an_exception_tells_its_causes_and_places_but_no_values(lines: Lines) -> None:
    def inner() -> None:
        own_secret = "hunter2canary"
        raise KeyError("first line\nDETAIL: Key (name)=(Wanjiku) already exists", own_secret[:0])

    try:
        try:
            inner()
        except KeyError as error:
            raise RuntimeError("outer") from error
    except RuntimeError as error:
        structlog.get_logger("test").error("failed", exc_info=error)
    told = lines()[0]["exception"]
    assert "builtins.RuntimeError: outer at " in told
    assert "builtins.KeyError" in told
    assert " inner" in told
    assert "hunter2" not in told


def test_a_database_error_does_not_repeat_the_row(lines: Lines) -> None:
    error = ValueError("duplicate key\nDETAIL:  Key (name)=(Wanjiku) already exists.")
    structlog.get_logger("test").error("failed", exc_info=error)
    assert "Wanjiku" not in lines()[0]["exception"]


def test_strange_values_do_not_break_a_line(lines: Lines) -> None:
    endless: list[Any] = []
    endless.append(endless)
    structlog.get_logger("test").info(
        "odd", reason=endless, message=object(), error=b"\xff", count=float("nan"), name="\ud800"
    )
    assert lines()[0]["message"] == "<object>"


def test_levels_are_kept(lines: Lines) -> None:
    structlog.get_logger("test").debug("unseen")
    logging.getLogger("asyncio").info("unseen")
    assert lines() == []


def test_every_field_that_the_code_logs_is_listed() -> None:
    missing: set[str] = set()
    for path in (SOURCE / "payme").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and _logs(node.func):
                names = {keyword.arg for keyword in node.keywords if keyword.arg} - {"exc_info"}
                missing |= {f"{path.name}: {name}" for name in names - ALLOWED}
    assert not missing, "list these in runtime/observability/redaction.py, if they can hold nothing of a person"


def _logs(called: ast.expr) -> bool:
    if isinstance(called, ast.Name):
        return called.id == "bind_contextvars"
    if not isinstance(called, ast.Attribute) or not isinstance(called.value, ast.Name):
        return False
    verbs = {"debug", "info", "warning", "error", "exception", "critical", "bind"}
    return called.attr in verbs and called.value.id.strip("_") in {"log", "logger"}


def test_pools_are_shown_while_they_are_watched() -> None:
    leave = watch_pool("test", lambda: PoolFigures(size=12, idle=5, largest=12, retries=3))
    labels = {"pool": "test", "state": "busy"}
    assert REGISTRY.get_sample_value("payme_database_connections", labels) == 7
    assert REGISTRY.get_sample_value("payme_database_retries_total", {"pool": "test"}) == 3
    other = watch_pool("other", lambda: PoolFigures(size=1, idle=1, largest=1, retries=0))
    assert generate_latest().count(b"# HELP payme_database_connections ") == 1
    leave()
    other()
    assert REGISTRY.get_sample_value("payme_database_connections", labels) is None


def test_the_build_is_announced_once() -> None:
    announce_build("0.1.0", "test", "abc1234")
    announce_build("0.2.0", "test", "abc1234")
    labels = {"environment": "test", "release": "abc1234"}
    assert REGISTRY.get_sample_value("payme_build_info", {"version": "0.2.0", **labels}) == 1
    assert REGISTRY.get_sample_value("payme_build_info", {"version": "0.1.0", **labels}) is None
