"""A pytest plugin that runs chosen tests once for each variant, each time in a fork of one warm process.

The fork breaks one function in place, by giving it other code, and ends; nothing of it is left for the next. GUT_PLAN names a
JSON list of {name, file, function, change, line, lines, tests}; to GUT_RESULTS goes a JSON line for each as it ends: red with
the test that failed, green, hung, or stuck (the function could not be broken). A test that is red unbroken as well proves
nothing: it is left out, and said so. PAYME_TEST_DATABASE_URL must be set, because a fork starts no server.
"""

import contextlib
import importlib
import json
import os
import select
import signal
import time
import types
from pathlib import Path
from typing import Any

import pytest

from tools.gut_variants import Variant, broken

ROOT = Path(__file__).resolve().parent.parent
SECONDS = float(os.environ.get("GUT_SECONDS", "60"))


class Reports:
    """Notes the first test that fails in this process."""

    def __init__(self) -> None:
        self.failed = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a failure in any phase."""
        if report.failed and not self.failed:
            self.failed = report.nodeid


class Probe:
    """The loop over the plan, instead of pytest's loop over the tests."""

    def __init__(self, plan: list[dict[str, Any]], results: Path) -> None:
        self.plan = plan
        self.results = results
        self.sound: dict[str, bool] = {}

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run the plan."""
        items = {item.nodeid: item for item in session.items}
        with self.results.open("w", encoding="utf-8") as stream:
            for told in self.plan:
                started = time.monotonic()
                verdict, unsound = self._examine(told, items)
                outcome = {"name": told["name"], **verdict, "unsound": unsound}
                outcome["seconds"] = round(time.monotonic() - started, 2)
                stream.write(json.dumps(outcome) + "\n")
                stream.flush()
        return True

    def _examine(self, told: dict[str, Any], items: dict[str, pytest.Item]) -> tuple[dict[str, str], list[str]]:
        wanted = [items[name] for name in told["tests"] if name in items]
        unsound: list[str] = []
        while wanted:
            verdict = in_fork(wanted, told)
            test = verdict.get("test", "")
            if verdict["outcome"] != "red" or self._is_sound(items[test]):
                return verdict, unsound
            unsound.append(test)
            wanted = [item for item in wanted if item.nodeid != test]
        return {"outcome": "stuck", "why": "none of its tests could be asked"}, unsound

    def _is_sound(self, item: pytest.Item) -> bool:
        """Say whether a test is green when nothing is broken."""
        if item.nodeid not in self.sound:
            self.sound[item.nodeid] = in_fork([item], None)["outcome"] == "green"
        return self.sound[item.nodeid]


def in_fork(items: list[pytest.Item], told: dict[str, Any] | None) -> dict[str, str]:
    """Run tests in a child until one fails; end the child and its children when that takes too long."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        os.setsid()
        silence = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(silence, stream)
        try:
            answer = run(items, told)
        except BaseException as error:
            answer = {"outcome": "stuck", "why": f"{type(error).__name__}: {error}"[:300]}
        os.write(writer, json.dumps(answer).encode())
        os._exit(0)
    os.close(writer)
    ready, _, _ = select.select([reader], [], [], SECONDS)
    text = os.read(reader, 65536) if ready else b""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(reader)
    if not ready:
        return {"outcome": "hung"}
    return json.loads(text) if text else {"outcome": "stuck", "why": "the process ended"}


def run(items: list[pytest.Item], told: dict[str, Any] | None) -> dict[str, str]:
    """Break what is to be broken, then run tests up to the first failure."""
    if told is not None:
        names = ("file", "function", "change", "line")
        replace_code(Variant(*(told[name] for name in names), lines=tuple(told["lines"])))
    reports = Reports()
    for item, following in zip(items, [*items[1:], None], strict=True):
        if not reports.failed:
            manager = item.config.pluginmanager
            if not manager.is_registered(reports):
                manager.register(reports)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
    return {"outcome": "red", "test": reports.failed} if reports.failed else {"outcome": "green"}


def replace_code(variant: Variant) -> None:
    """Give the living function the variant's code. Raises: LookupError where it is not found, ValueError where it does not fit."""
    path = ROOT / variant.file
    text = path.read_text(encoding="utf-8")
    parts = path.relative_to(ROOT / "src").with_suffix("").parts
    module = importlib.import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    function = living(module, variant.function)
    function.__code__ = code_of(compile(broken(text, variant), str(path), "exec"), variant)


def living(module: types.ModuleType, qualified: str) -> types.FunctionType:
    """Return the function behind properties, class methods, caches and decorators."""
    found: Any = module
    for name in qualified.split("."):
        found = found.__dict__[name]
    while not (isinstance(found, types.FunctionType) and found.__code__.co_qualname == qualified):
        for name in ("__wrapped__", "__func__", "fget", "func"):
            inner = getattr(found, name, None)
            if inner is not None:
                found = inner
                break
        else:
            raise LookupError(f"{qualified} is hidden behind {type(found).__name__}")
    return found


def code_of(code: types.CodeType, variant: Variant) -> types.CodeType:
    """Return a function's code from the code of its module."""
    for each in code.co_consts:
        if isinstance(each, types.CodeType):
            if each.co_qualname == variant.function and each.co_firstlineno == variant.line:
                return each
            with contextlib.suppress(LookupError):
                return code_of(each, variant)
    raise LookupError(f"no code of {variant.function}")


def pytest_configure(config: pytest.Config) -> None:
    """Take over the loop."""
    plan = json.loads(Path(os.environ["GUT_PLAN"]).read_text(encoding="utf-8"))
    config.pluginmanager.register(Probe(plan, Path(os.environ["GUT_RESULTS"])))
