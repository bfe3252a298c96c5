"""From the recorded statements of a cash sale to a pgbench script that runs them on any shop and any three products.

A recorded value becomes the expression that stands for it: a known id that of the chosen copy, a new id another new one, the
instant `now()`; everything else stays as it was. Invariant: a statement's text changes in its placeholders only.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, cast
from uuid import UUID

from pydantic_core import to_json

from bench.recording import LINES, Recording, Statement
from bench.town import Model

UUID_TEXT: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_PLACEHOLDER: Final = re.compile(r"\$(\d+)")
_TENANT: Final = re.compile(r"set local payme\.business_id = '([^']*)'")
_LARGEST_RANDOM: Final = (1 << 60) - 1
_LOW: Final = (1 << 64) - 1
_COPY: Final = (1 << 32) - 1
LONG_TEXT: Final = 600
JSON_KINDS: Final = frozenset({"json", "jsonb"})

CHOICES: Final = f"""\
\\set b random(:first, :last)
\\set p1 random(1, :products - 2)
\\set p2 random(:p1 + 1, :products - 1)
\\set p3 random(:p2 + 1, :products)
\\set r random(1, {_LARGEST_RANDOM})
"""


def places_sql(model: Model) -> str:
    """Return the function `bench.place` that turns a number into an id of the model; see `_expressions`."""
    ids = [model.business_id, model.branch_id, model.till_id, model.key_id, *model.products, *model.batches]
    # Two halves as integers and no text before the end: a sale asks for sixty of these.
    high = ",".join(str(_signed(each.int >> 64)) for each in ids)
    low = ",".join(str(_signed(each.int & _LOW & ~_COPY)) for each in ids)
    return f"""create or replace function bench.place(p_number integer, p_copy integer) returns uuid
        language sql immutable parallel safe as
        $$ select encode(int8send(('{{{high}}}'::bigint[])[p_number])
             || int8send(('{{{low}}}'::bigint[])[p_number] + p_copy), 'hex')::uuid $$"""


def _signed(half: int) -> int:
    return half - (1 << 64) if half >> 63 else half


def script(recording: Recording, model: Model) -> str:
    """Return the pgbench script. Raises: ValueError for a value that has no expression yet."""
    writer = _Writer(_expressions(model), recording.now)
    begin, *middle, commit = recording.statements
    assert commit.sql == "commit", "the last statement ends the transaction"
    return "\n".join([CHOICES, _opening(begin, writer), *(writer.statement(each) for each in middle), "commit;", ""])


def _opening(begin: Statement, writer: "_Writer") -> str:
    """One round trip: `set local` takes no parameter, so the tenant is bound by the function behind it."""
    parts = [part.strip() for part in begin.sql.split(";")]
    lines: list[str] = []
    for part in parts:
        found = _TENANT.fullmatch(part)
        business = found and writer.expression(UUID(found[1]), "uuid")
        lines.append(f"select set_config('payme.business_id', ({business})::text, true);" if found else f"{part};")
    return "\n".join(["\\startpipeline", *lines, "\\endpipeline"])


def _expressions(model: Model) -> dict[UUID, str]:
    """Return how each id of the model that a sale names is written for a chosen shop and chosen products."""
    found = {
        each: f"bench.place({number}, :b)"
        for number, each in enumerate((model.business_id, model.branch_id, model.till_id, model.key_id), start=1)
    }
    first_product, first_batch = 4, 4 + len(model.products)
    for line in range(LINES):
        found[model.products[line]] = f"bench.place({first_product} + :p{line + 1}, :b)"
        found[model.batches[line]] = f"bench.place({first_batch} + :p{line + 1}, :b)"
    return found


class _Writer:
    """Writes statements; an id that it has not seen before is a new one of this transaction."""

    def __init__(self, known: Mapping[UUID, str], now: datetime) -> None:
        self._known = dict(known)
        self._now = now
        self._made = 0

    def statement(self, statement: Statement) -> str:
        """Return a statement with an expression for each placeholder."""
        written = [
            # JSON goes over as text, as the driver's codec writes it.
            f"({self._parts(to_json(value).decode()) if kind in JSON_KINDS else self.expression(value, kind)})::{kind}"
            for value, kind in zip(statement.arguments, statement.types, strict=True)
        ]
        return _PLACEHOLDER.sub(lambda match: written[int(match[1]) - 1], statement.sql) + ";"

    def expression(self, value: Any, kind: str) -> str:
        """Return the SQL that stands for a recorded value."""
        if value is None:
            return "null"
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, (list, tuple)):
            inner = kind.removesuffix("[]")
            return f"array[{', '.join(self.expression(each, inner) for each in cast('list[Any]', value))}]"
        if isinstance(value, datetime):
            if value != self._now:
                raise ValueError(f"{value} is no instant of this transaction")
            return "now()"
        if isinstance(value, UUID):
            return self._id(value)
        return self._literal(value)

    def _literal(self, value: object) -> str:
        if isinstance(value, bytes):
            return f"decode('{value.hex()}', 'hex')"
        if isinstance(value, str):
            return self._text(str(value))
        if isinstance(value, int | Decimal):
            return str(value)
        raise ValueError(f"no expression for {value!r}")

    def _id(self, value: UUID) -> str:
        if value not in self._known:
            self._made += 1
            self._known[value] = f"bench.new(:r, {self._made})"
        return self._known[value]

    def _text(self, value: str) -> str:
        """Return text in which every id is written as an expression; pgbench reads `:word` even inside quotes."""
        if len(value) > LONG_TEXT:
            # The reply, which nobody asks for again; only its length matters.
            return _quoted(value)
        return self._parts(value)

    def _parts(self, value: str) -> str:
        parts = [self._part(each) for each in pieces(value, self._now)]
        return " || ".join(part for part in parts if part != "E''") or "''"

    def _part(self, piece: str | UUID | datetime) -> str:
        if isinstance(piece, str):
            return _quoted(piece)
        return f"({self._id(piece) if isinstance(piece, UUID) else 'now()'})::text"


def pieces(text: str, now: datetime) -> Iterator[str | UUID | datetime]:
    """Take a recorded text apart: words, and between them the ids and the instant of the transaction as JSON has it."""
    instant = to_json(now).decode().strip('"')
    last = 0
    for match in re.finditer(f"{UUID_TEXT.pattern}|{re.escape(instant)}", text):
        yield text[last : match.start()]
        yield now if match[0] == instant else UUID(match[0])
        last = match.end()
    yield text[last:]


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace(":", "\\x3a")
    return f"E'{escaped}'"
