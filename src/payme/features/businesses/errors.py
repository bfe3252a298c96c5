"""How businesses say no."""

from payme.kit.errors import Conflict, NotFound


class BusinessUnknown(NotFound):
    """There is no such business."""

    code = "businesses.unknown"


class BusinessIdTaken(Conflict):
    """There is something with this id already; make a new one."""

    code = "businesses.id_taken"
    constraints = ("businesses_pkey",)


class BranchNotFound(NotFound):
    """There is no such branch in this business."""

    code = "businesses.branch_not_found"
    constraints = ("tills_business_id_branch_id_fkey", "device_codes_business_id_branch_id_fkey")


class BranchIdTaken(Conflict):
    """There is a branch with this id already."""

    code = "businesses.branch_id_taken"
    constraints = ("branches_pkey",)


class TillNotFound(NotFound):
    """There is no such till in this business."""

    code = "businesses.till_not_found"


class TillIdTaken(Conflict):
    """There is a till with this id already."""

    code = "businesses.till_id_taken"
    constraints = ("tills_pkey",)


class ReceiptPrefixTaken(Conflict):
    """Another till's receipts begin with these letters."""

    code = "businesses.receipt_prefix_taken"
    constraints = ("tills_receipt_prefix_key",)
