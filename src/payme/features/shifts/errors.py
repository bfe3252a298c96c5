"""Refusals of shifts. Whenever one is raised, nothing was written."""

from payme.kit.errors import Conflict, Forbidden, Invalid, NotFound


class ShiftNotFound(NotFound):
    """There is no such shift in this business."""

    code = "shifts.not_found"


class ShiftExists(Conflict):
    """Another shift has this id."""

    code = "shifts.exists"


class ShiftAlreadyOpen(Conflict):
    """This till or this person has a shift that is still open; count and close it first."""

    code = "shifts.already_open"


class ShiftClosed(Conflict):
    """This shift is closed; its drawer was counted."""

    code = "shifts.closed"


class ShiftNotYours(Forbidden):
    """This is somebody else's shift; a manager may work in it."""

    code = "shifts.not_yours"


class ShiftOfAnotherTill(Invalid):
    """This shift is not of this till."""

    code = "shifts.other_till"
    pointer = "/shift_id"
