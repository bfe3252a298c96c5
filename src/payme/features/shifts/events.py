"""News of shifts, for live screens."""

from typing import ClassVar

from payme.kit.events import Event


class ShiftChanged(Event):
    """A shift was opened or closed, or what its drawer lacks was settled."""

    name: ClassVar[str] = "shift.changed"
    state: str
    variance: str
