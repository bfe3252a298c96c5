"""What `make gut` takes out is really out, and what survived it was judged and is still there to be judged."""

import ast
import tomllib
from pathlib import Path
from typing import Any

from coverage import CoverageData

from tools.gut_probe import replace_code
from tools.gut_variants import Variant, broken, flipped, gutted
from tools.gutting import JUDGED, RULES, SERVICES, Reach, variants

ROOT = Path(__file__).resolve().parents[2]
CODE = '''
class Till:
    @property
    def is_open(self) -> bool:
        """Say so."""
        return self.count > 0

    def abstract(self) -> int:
        """Do nothing by design."""
        ...


async def price(amount: int, *, off: bool = False) -> int:
    return amount - 1 if not off else 0


def each(rows: list[int]) -> Iterator[int]:
    yield from rows


def both(one: str, other: str) -> tuple[str, ...]:
    assert one != other
    return (one, other)
'''


def ran(variant: Variant, name: str) -> Any:
    scope: dict[str, Any] = {"Iterator": list}
    exec(compile(broken(CODE, variant), "code", "exec"), scope)  # noqa: S102 - the code is the constant above
    return scope[name]


def test_every_function_with_a_body_is_emptied():
    assert [f"{each.function} {each.change}" for each in gutted("f.py", CODE)] == [
        "Till.is_open returns False",
        "Till.is_open returns True",
        "price returns 0",
        "each returns nothing",
        "both returns ()",
    ]


async def test_an_empty_function_does_nothing():
    by_name = {f"{each.function} {each.change}": each for each in gutted("f.py", CODE)}
    till = ran(by_name["Till.is_open returns True"], "Till")()
    assert till.is_open is True
    assert await ran(by_name["price returns 0"], "price")(5) == 0
    assert list(ran(by_name["each returns nothing"], "each")([1, 2])) == []
    assert ran(by_name["both returns ()"], "both")("a", "a") == ()


async def test_single_signs_are_changed_and_assertions_are_not():
    changes = list(flipped("f.py", CODE))
    assert [each.change for each in changes] == [
        "#0 line +2: self.count > 0 -> self.count >= 0",
        "#1 line +2: 0 -> 1",
        "#0 line +1: not off -> +bool(off)",
        "#1 line +1: amount - 1 -> amount + 1",
        "#2 line +1: 1 -> 2",
        "#3 line +1: 0 -> 1",
    ]
    assert [await ran(each, "price")(5) for each in changes[2:]] == [0, 6, 3, 4]
    assert await ran(changes[5], "price")(5, off=True) == 1


def test_living_code_is_replaced():
    from payme.features.tokens import rules  # noqa: PLC0415 - the module whose code is replaced

    path = ROOT / "src" / "payme" / "features" / "tokens" / "rules.py"
    empty = next(each for each in gutted(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")))
    function = getattr(rules, empty.function)
    before = function.__code__
    try:
        replace_code(empty)
        assert function.__code__ is not before
        assert function(*[None] * before.co_argcount) in {0, None}
    finally:
        function.__code__ = before


def test_every_judged_survivor_exists_and_has_its_reason():
    judged: dict[str, str] = tomllib.loads(JUDGED.read_text(encoding="utf-8"))
    known = {each.name for flips in (False, True) for each in variants((*RULES, *SERVICES), [], flips=flips)}
    assert set(judged) <= known
    assert [name for name, reason in judged.items() if len(reason.split()) < 4] == []


def test_no_variant_is_no_change():
    path = ROOT / "src" / "payme" / "features" / "tokens" / "rules.py"
    text = path.read_text(encoding="utf-8")
    for each in [*gutted("f.py", text), *flipped("f.py", text)]:
        assert ast.dump(broken(text, each)) != ast.dump(ast.parse(text)), each


def test_what_a_test_reaches_is_found_by_the_path_within_the_checkout(tmp_path: Path):
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["coverage"]["run"]
    assert settings["relative_files"], "paths are recorded as coverage is told to write them"
    data = CoverageData(str(tmp_path / "reach"))
    data.set_context("tests/unit/test_a.py::test_b|run")
    data.add_lines({"src/payme/features/a/rules.py": [3]})
    found = Variant("src/payme/features/a/rules.py", "price", "returns 0", 2, (2, 4))
    assert Reach(data).tests(found) == ["tests/unit/test_a.py::test_b"]
