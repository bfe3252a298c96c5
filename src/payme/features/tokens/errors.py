"""Refusals of the wallet."""

from payme.kit.errors import Conflict, Invalid, NotFound, PaymentRequired


class TokensExhausted(PaymentRequired):
    """No tokens are left. Buy tokens to go on selling."""

    code = "tokens.exhausted"
    constraints = ("token_wallets_bound",)


class ReservationMissing(Conflict):
    """Nothing is reserved for this operation."""

    code = "tokens.reservation_missing"


class ReservationExists(Conflict):
    """A token is already reserved for this operation."""

    code = "tokens.reservation_exists"
    constraints = ("token_reservations_open",)


class PackageUnknown(Invalid):
    """There is no such package of tokens; name one of the list, or a quantity."""

    code = "tokens.package_unknown"
    pointer = "/package"


class PurchaseNotFound(NotFound):
    """There is no such purchase of tokens in this business."""

    code = "tokens.purchase_not_found"
