"""Which of two changes stands, case by case."""

from typing import Any

import pytest

from payme.features.sync.enums import ConflictKind, Outcome, Strategy
from payme.features.sync.rules.clocks import Stamp
from payme.features.sync.rules.strategies import DELETED, Clash, Content, Decision, decide, taken_from

EARLY, LATE = Stamp(1_000, 0, "a"), Stamp(2_000, 0, "b")
NOBODY = frozenset[str]()


def content(text: str = "base", title: str = "", at: Stamp | None = EARLY) -> Content:
    return Content({"text": text, "title": title}, written_at=at)


def gone(at: Stamp | None = LATE) -> Content:
    return Content({}, is_deleted=True, written_at=at)


def decided(
    strategy: Strategy, sent: Content, assumed: Content | None, current: Content | None, **more: Any
) -> Decision:
    return decide(strategy, sent, assumed=assumed, current=current, manual=more.get("manual", NOBODY))


@pytest.mark.parametrize("strategy", list(Strategy))
def test_without_a_clash_the_strategy_is_not_asked(strategy: Strategy):
    base, new = content(), content("new")
    assert decided(strategy, new, base, base) == Decision(new)
    assert decided(strategy, new, None, None) == Decision(new)
    assert decided(strategy, new, base, None) == Decision(new), "the server lost it in a restore"
    assert decided(strategy, gone(), base, base) == Decision(gone())
    assert decided(strategy, gone(), None, None) == Decision(None)


@pytest.mark.parametrize("strategy", list(Strategy))
@pytest.mark.parametrize("assumed", [None, content("old"), gone()])
def test_equal_contents_are_no_change_whenever_they_were_written(strategy: Strategy, assumed: Content | None):
    assert decided(strategy, content("same", at=LATE), assumed, content("same")) == Decision(None)
    assert decided(strategy, gone(), assumed, Content({"text": "held"}, is_deleted=True)) == Decision(None)


BASE, THEIRS = content(), content("theirs", at=EARLY)
OURS, OTHER = content("ours", at=LATE), content(title="ours", at=LATE)


@pytest.mark.parametrize(
    ("strategy", "sent", "expected"),
    [
        (Strategy.SERVER_WINS, OURS, Decision(None, Clash(ConflictKind.MODIFIED, Outcome.SERVER, ("text",)))),
        (Strategy.SERVER_WINS, OTHER, Decision(None, Clash(ConflictKind.VERSION_MISMATCH, Outcome.SERVER, ()))),
        (Strategy.SERVER_WINS, gone(), Decision(None, Clash(ConflictKind.DELETED, Outcome.SERVER, (DELETED,)))),
        (Strategy.CLIENT_WINS, OURS, Decision(OURS, Clash(ConflictKind.MODIFIED, Outcome.CLIENT, ("text",)))),
        (Strategy.CLIENT_WINS, OTHER, Decision(OTHER, Clash(ConflictKind.VERSION_MISMATCH, Outcome.CLIENT, ()))),
        (Strategy.CLIENT_WINS, gone(), Decision(gone(), Clash(ConflictKind.DELETED, Outcome.CLIENT, (DELETED,)))),
        (Strategy.LAST_WRITE_WINS, OURS, Decision(OURS, Clash(ConflictKind.MODIFIED, Outcome.CLIENT, ("text",)))),
        (
            Strategy.LAST_WRITE_WINS,
            content("ours", at=EARLY),
            Decision(None, Clash(ConflictKind.MODIFIED, Outcome.SERVER, ("text",))),
        ),
        (
            Strategy.LAST_WRITE_WINS,
            content("ours", at=None),
            Decision(None, Clash(ConflictKind.MODIFIED, Outcome.SERVER, ("text",))),
        ),
        (Strategy.LAST_WRITE_WINS, gone(), Decision(gone(), Clash(ConflictKind.DELETED, Outcome.CLIENT, (DELETED,)))),
        (Strategy.MERGE, OURS, Decision(None, Clash(ConflictKind.MODIFIED, Outcome.OPEN, ("text",)))),
        (
            Strategy.MERGE,
            OTHER,
            Decision(
                content("theirs", "ours", at=LATE), Clash(ConflictKind.VERSION_MISMATCH, Outcome.MERGED, ())
            ),
        ),
        (
            Strategy.MERGE,
            content("ours", "ours", at=LATE),
            Decision(
                content("theirs", "ours", at=LATE), Clash(ConflictKind.MODIFIED, Outcome.OPEN, ("text",))
            ),
        ),
        (Strategy.MERGE, gone(), Decision(None, Clash(ConflictKind.DELETED, Outcome.OPEN, (DELETED,)))),
    ],
)  # fmt: skip
def test_a_clash_is_settled_by_the_strategy(strategy: Strategy, sent: Content, expected: Decision):
    assert decided(strategy, sent, BASE, THEIRS) == expected


def test_both_made_it():
    clash = Clash(ConflictKind.DUPLICATE, Outcome.OPEN, ("text",))
    assert decided(Strategy.MERGE, OURS, None, THEIRS) == Decision(None, clash)
    assert decided(Strategy.CLIENT_WINS, OURS, None, THEIRS).write == OURS
    assert decided(Strategy.SERVER_WINS, OURS, None, THEIRS).write is None


def test_an_edit_meets_a_deletion():
    for strategy, write in ((Strategy.MERGE, None), (Strategy.CLIENT_WINS, OURS), (Strategy.SERVER_WINS, None)):
        decision = decided(strategy, OURS, BASE, gone(EARLY))
        assert decision.write == write
        assert decision.clash is not None
        assert (decision.clash.kind, decision.clash.fields) == (ConflictKind.DELETED, (DELETED,))


def test_about_some_fields_only_a_person_decides():
    manual = frozenset({"text"})
    for strategy in (Strategy.CLIENT_WINS, Strategy.LAST_WRITE_WINS, Strategy.MERGE):
        decision = decided(strategy, OURS, BASE, THEIRS, manual=manual)
        assert decision == Decision(None, Clash(ConflictKind.MODIFIED, Outcome.OPEN, ("text",)))
        assert decided(strategy, OTHER, BASE, THEIRS, manual=manual).write is not None
    assert decided(Strategy.SERVER_WINS, OURS, BASE, THEIRS, manual=manual).clash == Clash(
        ConflictKind.MODIFIED, Outcome.SERVER, ("text",)
    )


def test_what_a_person_takes_from_the_device():
    current, sent = content("theirs", "theirs"), content("ours", "ours", at=LATE)
    assert taken_from(current, sent, fields=("text",)) == content("ours", "theirs", at=LATE)
    assert taken_from(current, gone(), fields=(DELETED,)) == gone()
