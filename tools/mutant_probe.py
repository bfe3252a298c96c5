"""A pytest plugin that writes how each test ended, and why, as JSON to the file that MUTANT_PROBE names.

A test that was asked for by name and has gone red ends the run of its other parameters: one is enough.
"""

import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

WORST = {"failed": 3, "passed": 2, "skipped": 1}


class Probe:
    """Keeps the verdicts of one session."""

    def __init__(self, report: Path, asked: list[str]) -> None:
        self.report = report
        self.asked = asked
        self.verdicts: dict[str, dict[str, Any]] = {}
        self.red: set[str] = set()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Pass over a test whose name is red already."""
        if any(names(asked, item.nodeid) for asked in self.red):
            pytest.skip("red already")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Keep the worst phase of each test: outcome, phase, type of what was raised, first line of its message."""
        report = yield
        kept = self.verdicts.get(item.nodeid)
        if kept is None or WORST[report.outcome] > WORST[kept["outcome"]]:
            self.verdicts[item.nodeid] = {"outcome": report.outcome, "phase": call.when, **raised(call)}
        if report.failed:
            self.red |= {asked for asked in self.asked if names(asked, item.nodeid)}
        return report

    def pytest_sessionfinish(self) -> None:
        """Write what was kept."""
        self.report.write_text(json.dumps(self.verdicts), encoding="utf-8")


def names(asked: str, nodeid: str) -> bool:
    """Say whether an argument of pytest means this test: itself, its parameters, its class, its file or its folder."""
    return nodeid == asked or nodeid.startswith((f"{asked}[", f"{asked}::", f"{asked.rstrip('/')}/"))


def raised(call: pytest.CallInfo[None]) -> dict[str, str]:
    """Return the type and the message of what a phase raised."""
    if call.excinfo is None:
        return {"type": "", "message": ""}
    error: Any = call.excinfo.value
    while len(group := getattr(error, "exceptions", ())) == 1:
        error = group[0]
    message = str(error).strip().splitlines()[:1]
    return {"type": type(error).__name__, "message": message[0][:200] if message else ""}


def pytest_configure(config: pytest.Config) -> None:
    """Start keeping verdicts."""
    config.pluginmanager.register(Probe(Path(os.environ["MUTANT_PROBE"]), list(config.args)))
