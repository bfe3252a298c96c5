"""Which of two changes to one document stands: the device's, the server's, both by field, or neither until a person says.

Contents are compared, without what the server writes: equal contents are no change, which is what keeps an echo from going round.
"""

from collections.abc import Mapping
from typing import Any, Final

from payme.features.sync.enums import ConflictKind, Kind, Outcome, Strategy
from payme.features.sync.rules.clocks import Stamp, is_later
from payme.kit.values import value

DELETED: Final = "_deleted"
ALLOWED: Final[Mapping[Kind, tuple[Strategy, ...]]] = {
    Kind.FIGURES: (),
    Kind.REFERENCE: (Strategy.SERVER_WINS,),
    Kind.PEOPLE: (Strategy.MERGE, Strategy.SERVER_WINS),
    Kind.SHARED: (Strategy.LAST_WRITE_WINS, Strategy.MERGE, Strategy.CLIENT_WINS, Strategy.SERVER_WINS),
    Kind.PERSONAL: (Strategy.CLIENT_WINS, Strategy.LAST_WRITE_WINS),
}
"""What a business may choose from for a collection of each kind; the first is what holds until it does."""


@value
class Content:
    """What people wrote of a document. Deleted ones are equal whatever they held."""

    fields: Mapping[str, Any]
    is_deleted: bool = False
    written_at: Stamp | None = None

    def same_as(self, other: "Content | None") -> bool:
        """Say whether this is no change from another content."""
        if other is None or self.is_deleted != other.is_deleted:
            return False
        return self.is_deleted or self.fields == other.fields


@value
class Clash:
    """Two changes that do not go together; `fields` are those that both sides changed."""

    kind: ConflictKind
    outcome: Outcome
    fields: tuple[str, ...]


@value
class Decision:
    """What is to be written, or None where the document stays; and the clash that was found, if any."""

    write: Content | None
    clash: Clash | None = None


def decide(
    strategy: Strategy, sent: Content, *, assumed: Content | None, current: Content | None, manual: frozenset[str]
) -> Decision:
    """Decide about what a device sent, which it wrote on what it assumed to be there.

    `manual` names fields about which no program decides once both sides changed them.
    """
    if current is None:
        return Decision(None if sent.is_deleted else sent)
    if sent.same_as(current):
        return Decision(None)
    if assumed is not None and assumed.same_as(current):
        return Decision(sent)
    kind, fields = _clash(sent, assumed, current=current)
    if manual.intersection(fields) and strategy is not Strategy.SERVER_WINS:
        strategy = Strategy.MERGE
    if strategy is Strategy.MERGE:
        return _merge(Clash(kind, Outcome.OPEN, fields), sent, assumed=assumed, current=current)
    if _is_stronger(strategy, sent, current):
        return Decision(sent, Clash(kind, Outcome.CLIENT, fields))
    return Decision(None, Clash(kind, Outcome.SERVER, fields))


def taken_from(current: Content, sent: Content, *, fields: tuple[str, ...]) -> Content:
    """Return the current content with the fields that clashed as the device had them."""
    if DELETED in fields:
        return sent
    return Content({**current.fields, **{name: sent.fields[name] for name in fields}}, written_at=sent.written_at)


def _clash(sent: Content, assumed: Content | None, *, current: Content) -> tuple[ConflictKind, tuple[str, ...]]:
    if sent.is_deleted or current.is_deleted:
        return ConflictKind.DELETED, (DELETED,)
    if assumed is None:
        return ConflictKind.DUPLICATE, _differing(sent, current)
    both = set(_differing(sent, assumed)) & set(_differing(current, assumed)) & set(_differing(sent, current))
    return (ConflictKind.MODIFIED if both else ConflictKind.VERSION_MISMATCH), tuple(sorted(both))


def _is_stronger(strategy: Strategy, sent: Content, current: Content) -> bool:
    if strategy is Strategy.LAST_WRITE_WINS:
        return is_later(sent.written_at, current.written_at)
    return strategy is Strategy.CLIENT_WINS


def _merge(clash: Clash, sent: Content, *, assumed: Content | None, current: Content) -> Decision:
    """Take the fields that only the device changed; what both changed, or one deleted, waits for a person."""
    if assumed is None or clash.kind is ConflictKind.DELETED:
        return Decision(None, clash)
    ours = set(_differing(sent, assumed)) - set(clash.fields)
    merged = Content({**current.fields, **{name: sent.fields[name] for name in ours}}, written_at=sent.written_at)
    write = None if merged.same_as(current) else merged
    return Decision(write, clash if clash.fields else Clash(clash.kind, Outcome.MERGED, ()))


def _differing(one: Content, other: Content) -> tuple[str, ...]:
    names = one.fields.keys() | other.fields.keys()
    return tuple(sorted(name for name in names if one.fields.get(name) != other.fields.get(name)))
