"""The written figures: nothing is missing silently, and ratios are those of neighbours."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench import parts
from bench.load import Sample
from bench.open_loop import Outcome
from bench.open_parts import knee_of, knee_rates
from bench.plots import draw
from bench.report import UNMEASURED, Report
from bench.summary import summary

ROOT = Path(__file__).resolve().parents[2]


def sample(per_second: float) -> Sample:
    return Sample(per_second, 0, 1.0, 2.0, {"postgres": 1500.0, "api": 900.0}, 0.1)


def outcome(rate: int, p99_ms: float, errors: int = 0, *, server: str = parts.API) -> Outcome:
    return Outcome(server, "mix", 100, rate, 1000, 1000, errors, p50_ms=1.0, p99_ms=p99_ms)


@pytest.fixture
def report(tmp_path: Path) -> Report:
    return Report(tmp_path / "latest.json", ROOT)


def test_a_ratio_is_the_median_over_adjacent_samples(report: Report):
    for limit, sale in ((1000, 600), (500, 400), (100, 70)):
        report.add("limit", sample(limit))
        report.add("sale", sample(sale))
    assert report.ratio("sale", "limit") == 0.7
    assert report.ratio("hot", "sale") is None


def test_a_target_is_met_by_the_median_and_by_every_sample(report: Report):
    for express, sale in ((100, 310), (100, 320), (100, 240)):
        report.add("express", sample(express))
        report.add("sale", sample(sale))
    (line,) = [each for each in summary(report) if each.startswith("sale ÷ express:")]
    assert line.endswith("target ≥ 3.0, no sample under 2.5: missed")


def test_a_percentile_is_compared_with_that_of_the_neighbour(report: Report):
    for sale_ms, callback_ms in ((10.0, 4.0), (20.0, 10.0), (10.0, 12.0)):
        report.add("sale", replace(sample(100), p99_ms=sale_ms))
        report.add("callback", replace(sample(250), p99_ms=callback_ms))
    assert report.figures()["receiver"]["callback_p99_vs_sale"] == 0.5
    (line,) = [each for each in summary(report) if each.startswith("p99 of callback ÷ of sale:")]
    assert line.endswith("(0.40, 0.50, 1.20)   target < 1: met")


def test_every_null_has_the_reason_of_the_parts_it_is_made_of(report: Report):
    report.skip("sale", "wrk is not installed")
    report.break_off("knee of api", RuntimeError("the client failed"))
    document = report.write()
    assert json.loads(report.path.read_text()) == document
    reasons = {each["field"]: each["reason"] for each in document["skipped"]}
    assert set(reasons) == set(parts.SOURCES)
    assert reasons["cash_sale.vs_express"] == "wrk is not installed"
    assert reasons["mixed.p99_ms"] == "RuntimeError: the client failed"
    assert reasons["list.vs_express"] == UNMEASURED


def test_the_knee_is_the_highest_rate_that_held(report: Report):
    tried = [outcome(6_000, 20), outcome(9_000, 190), outcome(12_000, 210), outcome(15_000, 10, errors=1)]
    for each in tried:
        report.add_open(parts.KNEE, each)
    report.add_open(parts.KNEE, outcome(30_000, 1, server=parts.PEER))
    assert knee_of(tried) is tried[1]
    assert report.figures()["mixed"]["requests_per_minute"] == 9_000
    assert knee_of(tried[2:]) is None


def test_rates_rise_towards_and_beyond_the_closed_loop():
    rates = knee_rates(500.0)
    assert rates == sorted(set(rates))
    assert (rates[0], rates[-1]) == (15_000, 33_000)
    assert knee_rates(None) == sorted(knee_rates(None))


def test_pictures_are_of_what_was_measured_and_of_nothing_else(report: Report):
    folder = report.path.parent
    (folder / "growth.png").write_bytes(b"of an earlier run")
    report.facts["shops"] = 500
    report.add("sale", sample(100))
    report.add_open(parts.KNEE, outcome(6_000, 20))
    report.add_open(parts.KNEE, outcome(9_000, 300, errors=3, server=parts.PEER))
    assert [each.name for each in draw(report.document(), folder)] == ["knee.png", "cpu.png"]
    assert {each.name for each in folder.glob("*.png")} == {"knee.png", "cpu.png"}
    assert (folder / "knee.png").read_bytes().startswith(b"\x89PNG")


def test_growth_is_told_against_the_fewest(report: Report):
    for sales, cpu_us in ((parts.SMALLEST, 2000), (100_000, 2100), (parts.LARGEST, 2500)):
        report.growth.append({"sales": sales, "cpu_us": cpu_us, "per_second": 1, "gigabytes": 1, "foreign_cores": 0.0})
    assert report.figures()["growth"]["cost_ratio_1e7_to_1e3"] == 1.25
    assert any(each.endswith("1.25   target ≤ 1.3: met") for each in summary(report))
