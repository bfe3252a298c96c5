"""How reconciliation refuses. Whenever one is raised, nothing was written."""

from payme.kit.errors import Conflict, Forbidden, Invalid, NotFound, Refused


class ReconciliationNotFound(NotFound):
    """This business has no such reconciliation."""

    code = "reconciliation.not_found"


class DifferenceNotFound(NotFound):
    """This business has no such difference."""

    code = "reconciliation.difference_not_found"


class DayAhead(Refused):
    """This day has not begun yet."""

    code = "reconciliation.day_ahead"


class CountNotAllowed(Forbidden):
    """Your role does not allow counting cash: leave the count out."""

    code = "reconciliation.count_not_allowed"


class AlreadyEnded(Conflict):
    """This difference has been closed, or went away by itself."""

    code = "reconciliation.already_ended"


class NoteNeeded(Invalid):
    """This reason needs a sentence of explanation."""

    code = "reconciliation.note_needed"


class ReasonDoesNotFit(Invalid):
    """This reason explains no such difference: only a claim is written off."""

    code = "reconciliation.reason_does_not_fit"


class UploadNotFound(NotFound):
    """This business has uploaded no such statement."""

    code = "reconciliation.upload_not_found"


class StatementUnreadable(Invalid):
    """The file is no statement of M-Pesa: no row of it could be read."""

    code = "reconciliation.statement_unreadable"


class StatementOfAnother(Refused):
    """The statement is of another short code than this business collects by."""

    code = "reconciliation.statement_of_another"


class UploadRunning(Conflict):
    """This very file is being uploaded by somebody else at this moment."""

    code = "reconciliation.upload_running"
    constraints = ("statement_uploads_content_key",)


class ShortcodeNeeded(Invalid):
    """The file does not say whose statement it is: name the short code."""

    code = "reconciliation.shortcode_needed"
