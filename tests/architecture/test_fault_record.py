"""What `make faults` writes down of a row: the worst of its tests, in the shape that programs read."""

from typing import Any

from tools.faults import summed

ROW = {"title": "the same, colliding", "count": "10,000"}


def run(outcome: str, reason: str = "", **counts: int) -> dict[str, Any]:
    return {"test": "t", "seed": 7, "counts": counts, "seconds": 1.25, "outcome": outcome, "reason": reason}


def test_a_row_is_held_by_tests_that_ran_and_passed():
    row = summed("2", ROW, [run("held", sent=4, applied=1), run("held", sent=6), run("skipped", "no redis")])
    assert {name: row[name] for name in ("row", "status", "count", "violations", "seed", "seconds")} == {
        "row": 2,
        "status": "held",
        "count": 10,
        "violations": 0,
        "seed": 7,
        "seconds": 3.8,
    }
    assert row["reason"] == "t: skipped: no redis"


def test_one_test_that_broke_or_ended_early_fails_its_row():
    assert summed("2", ROW, [run("held"), run("violated", "boom")])["status"] == "failed"
    broken = summed("2", ROW, [run("held"), run("not run")])
    assert (broken["status"], broken["violations"]) == ("failed", 1)


def test_a_row_that_nothing_ran_is_not_held():
    assert summed("2", ROW, [])["status"] == "failed"
    assert summed("2", ROW, [])["reason"] == "no test holds this row"
    assert summed("2", ROW, [run("skipped", "no chromium")])["status"] == "skipped"
    assert "reason" not in summed("2", ROW, [run("held")])
