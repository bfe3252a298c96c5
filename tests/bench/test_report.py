"""The written figures: nothing is missing silently, and ratios are those of neighbours."""

from pathlib import Path

from bench.load import Sample
from bench.report import NOT_BUILT, Report

ROOT = Path(__file__).resolve().parents[2]


def sample(per_second: float) -> Sample:
    return Sample(per_second, 0, 1.0, 2.0, {"postgres": 1500.0, "api": 900.0}, 0.1)


def test_a_ratio_is_the_median_over_adjacent_samples():
    report = Report()
    for limit, sale in ((1000, 600), (500, 400), (100, 70)):
        report.add("limit", sample(limit))
        report.add("sale", sample(sale))
    assert report.ratio("sale", "limit") == 0.7
    assert report.ratio("hot", "sale") is None


def test_every_null_has_a_reason():
    report = Report(skipped={"cash_sale": "wrk is not installed"})
    document = report.document(ROOT)
    reasons = {each["field"]: each["reason"] for each in document["skipped"]}
    assert reasons["cash_sale.per_second"] == "wrk is not installed"
    assert reasons["growth.cost_ratio_1e7_to_1e3"] == NOT_BUILT
    assert reasons["open_loop"] == NOT_BUILT
    assert set(reasons) >= {"cash_sale.vs_pgbench", "list.vs_express", "mixed.p99_ms"}
