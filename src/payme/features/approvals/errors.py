"""How a second person's word is refused. Whenever one is raised, nothing was decided."""

from payme.kit.errors import Conflict, Forbidden, NotFound, Refused


class ApprovalNotFound(NotFound):
    """There is no such request in this business."""

    code = "approvals.not_found"


class OwnRequest(Forbidden):
    """Nobody decides about what they ask for themselves; `approvers` names who may."""

    code = "approvals.own_request"


class MayNotApprove(Forbidden):
    """This person may not decide about such a request; `approvers` names who may."""

    code = "approvals.may_not_approve"


class AlreadyDecided(Conflict):
    """This request has been decided already."""

    code = "approvals.already_decided"


class ApprovalExpired(Refused):
    """This request waited too long; it has to be made again."""

    code = "approvals.expired"
