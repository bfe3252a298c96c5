"""Refusals of customers. Whenever one is raised, nothing was written."""

from payme.kit.errors import Conflict, Invalid, NotFound


class CustomerNotFound(NotFound):
    """There is no such customer in this business."""

    code = "customers.not_found"


class CustomerExists(Conflict):
    """Another customer has this id."""

    code = "customers.exists"


class CustomerPhoneInvalid(Invalid):
    """This is no Kenyan mobile number."""

    code = "customers.phone_invalid"
    pointer = "/phone"
