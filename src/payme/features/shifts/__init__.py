"""Shifts: who has which drawer, what moves through it, and what is counted at its end.

    open with a float  →  cash in and out  →  counted blind and closed

Expected is the float and every posting of cash that was made in the shift; the difference to what was counted is booked as
over or short, above the threshold once a second person agrees. A fact that arrives after the close is recorded all the same
and settles the difference anew. Whoever moves cash in a shift asks for its drawer first, ahead of the locks of stock:

    drawer = await take_drawer(uow, shift_id, till_id=…, is_fact=…)
    await move_cash(uow, drawer, [Cash(kind, cause, amount_cents), …])       with the kinds and causes of the postings
"""

from payme.features.shifts.errors import ShiftClosed, ShiftNotFound, ShiftNotYours, ShiftOfAnotherTill
from payme.features.shifts.events import ShiftChanged
from payme.features.shifts.repository.days import CountOfDay, count_of_day, list_drawer_documents
from payme.features.shifts.rules import VARIANCE, Cash
from payme.features.shifts.schemas import CloseShift, DrawerMovementView, MoveDrawer, OpenShift, ShiftView
from payme.features.shifts.services.close_shift import close_shift
from payme.features.shifts.services.drawers import Drawer, find_drawer_after, move_cash, take_drawer
from payme.features.shifts.services.move_drawer import move_drawer
from payme.features.shifts.services.open_shift import open_shift
from payme.features.shifts.services.read_shifts import check_shift, get_shift, list_shifts_of
from payme.features.shifts.services.settle_variance import hear_of_approval, hear_of_refusal

__all__ = [
    "VARIANCE",
    "Cash",
    "CloseShift",
    "CountOfDay",
    "Drawer",
    "DrawerMovementView",
    "MoveDrawer",
    "OpenShift",
    "ShiftChanged",
    "ShiftClosed",
    "ShiftNotFound",
    "ShiftNotYours",
    "ShiftOfAnotherTill",
    "ShiftView",
    "check_shift",
    "close_shift",
    "count_of_day",
    "find_drawer_after",
    "get_shift",
    "hear_of_approval",
    "hear_of_refusal",
    "list_drawer_documents",
    "list_shifts_of",
    "move_cash",
    "move_drawer",
    "open_shift",
    "take_drawer",
]
