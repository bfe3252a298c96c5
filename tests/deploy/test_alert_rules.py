"""The alert rules: each fires in promtool's own test, an ordinary hour is silent, and each names a runbook and real metrics."""

import re
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

import payme.integrations.daraja.metrics
import payme.runtime.http.metrics
import payme.runtime.jobs.metrics  # noqa: F401 -- they register what the rules ask for
from tests.deploy.programs import said_by

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "prometheus"
RULES = (FOLDER / "payme.rules.yml").read_text(encoding="utf-8")
CASES = (FOLDER / "payme.rules.test.yml").read_text(encoding="utf-8")
ALERTS = re.findall(r"- alert: (\w+)", RULES)


def test_every_alert_has_a_case_and_a_runbook_that_exists() -> None:
    pages = re.findall(r"runbook: (docs/runbooks/[\w-]+\.md)", RULES)
    assert len(pages) == len(ALERTS) >= 5
    assert all((ROOT / page).exists() for page in pages)
    assert set(re.findall(r'alertname="(\w+)",alertstate="firing"', CASES)) == set(ALERTS)


def test_every_metric_of_the_rules_is_one_that_the_processes_show() -> None:
    shown = {metric.name for metric in REGISTRY.collect()}
    asked = set(re.findall(r"\b(payme_\w+)", RULES))
    assert asked
    assert {name.removesuffix("_total") for name in asked} <= shown


@pytest.mark.parametrize("command", [("check", "payme.rules.yml"), ("test", "payme.rules.test.yml")])
def test_promtool_agrees(command: tuple[str, str]) -> None:
    verb, name = command
    done = said_by("promtool", verb, "rules", str(FOLDER / name))
    assert done.returncode == 0, done.stdout + done.stderr
