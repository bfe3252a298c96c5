"""Refusals of payments."""

from payme.kit.errors import Conflict, Forbidden, Invalid, NotFound, Refused


class PaymentNotFound(NotFound):
    """There is no such payment in this business."""

    code = "payments.not_found"


class WholeShillings(Invalid):
    """M-Pesa moves whole shillings only."""

    code = "payments.whole_shillings"
    pointer = "/amount_cents"


class AmountOutsideLimits(Invalid):
    """M-Pesa takes KES 1 to 250,000 in one payment."""

    code = "payments.amount_outside_limits"
    pointer = "/amount_cents"


class PhoneInvalid(Invalid):
    """This is no Kenyan mobile number."""

    code = "payments.phone_invalid"
    pointer = "/phone"


class MethodNotConfigured(Refused):
    """M-Pesa is not set up for this business yet."""

    code = "payments.method_not_configured"


class MethodIncomplete(Invalid):
    """This way to be paid needs more: short code, passkey and the app's key and secret."""

    code = "payments.method_incomplete"


class PromptAlreadyOpen(Conflict):
    """A prompt for this is out already."""

    code = "payments.prompt_open"
    constraints = ("payments_one_open_prompt",)


class NothingToAsk(Conflict):
    """M-Pesa never said whether it took this request, so there is nothing to ask about. Look at the customer's SMS."""

    code = "payments.nothing_to_ask"


class PromptMayStillCome(Conflict):
    """A prompt may still reach the customer; wait until two minutes have passed."""

    code = "payments.prompt_may_still_come"
    retryable = True


class PaymentNotUnknown(Conflict):
    """The outcome of this payment is not in doubt."""

    code = "payments.not_unknown"


class CallbackRouteUnknown(NotFound):
    """There is nothing here."""

    code = "callbacks.not_found"


class OtherEnvironment(Invalid):
    """These credentials are for another world of Safaricom than this deployment calls."""

    code = "payments.other_environment"
    pointer = "/environment"


class UnclaimedNotFound(NotFound):
    """There is no such money in the tray of this business."""

    code = "payments.unclaimed_not_found"


class WalletUnknown(NotFound):
    """No wallet has this account, or the amount buys no token."""

    code = "payments.wallet_unknown"


class AlreadyClaimed(Conflict):
    """Somebody has claimed this money already."""

    code = "payments.already_claimed"


class MoneyInDispute(Conflict):
    """M-Pesa is being asked about this amount; it can be claimed once that is settled."""

    code = "payments.money_in_dispute"
    retryable = True


class NotVerifiedYet(Conflict):
    """This amount is above what a notice alone is believed for; it can be claimed once M-Pesa has confirmed it."""

    code = "payments.not_verified_yet"
    retryable = True


class PromptMayOwnIt(Conflict):
    """This may be the money of a prompt that is still open; wait for its answer."""

    code = "payments.prompt_may_own_it"
    retryable = True


class ReceiptInvalid(Invalid):
    """An M-Pesa code has ten capital letters and digits, as in the customer's SMS."""

    code = "payments.receipt_invalid"
    pointer = "/mpesa_receipt_number"


class ReceiptUsed(Conflict):
    """This M-Pesa code was used before."""

    code = "payments.receipt_used"
    constraints = ("payments_receipt", "payouts_receipt")


class ReceiptAmountDiffers(Conflict):
    """M-Pesa told us of another amount under this code."""

    code = "payments.receipt_amount_differs"


class SmsNotUnderstood(Invalid):
    """This is no M-Pesa confirmation, or it speaks of more than one payment; paste one whole SMS, with its code and amount."""

    code = "payments.sms_not_understood"
    pointer = "/text"


class ClaimLimit(Refused):
    """This is more than you may take on an M-Pesa code that is not confirmed yet."""

    code = "payments.claim_limit"


class MethodWithoutNotices(Invalid):
    """Safaricom tells of payments to a paybill or a till only."""

    code = "payments.method_without_notices"
    pointer = "/kind"


class PayoutNotFound(NotFound):
    """There is no such payout in this business."""

    code = "payments.payout_not_found"


class PayoutExists(Conflict):
    """This is being paid out already, or was."""

    code = "payments.payout_exists"
    constraints = ("payouts_one_for_a_purpose", "payouts_pkey")


class PayoutAboveLimit(Refused):
    """This is above what your business pays out at once, or in a day."""

    code = "payments.payout_above_limit"


class OperatorMissing(Refused):
    """No M-Pesa operator is set up, so nothing can be paid out, sent back or asked about."""

    code = "payments.operator_missing"


class NotReturnable(Conflict):
    """Only money that came by itself and is whole can be sent back to its sender."""

    code = "payments.not_returnable"


class PayoutDecided(Conflict):
    """This payout does not wait for anybody's word."""

    code = "payments.payout_decided"


class PayoutNotInDoubt(Conflict):
    """The end of this payout is not in doubt."""

    code = "payments.payout_not_in_doubt"


class PayoutStillAsked(Conflict):
    """M-Pesa is still being asked about this payout; somebody can say how it ended after the last question."""

    code = "payments.payout_still_asked"
    retryable = True


class NoReceiptExpected(Invalid):
    """Money that did not leave has no M-Pesa code."""

    code = "payments.no_receipt_expected"
    pointer = "/mpesa_receipt_number"


class PayoutTooSmall(Invalid):
    """M-Pesa pays a person KES 10 at least."""

    code = "payments.payout_too_small"
    pointer = "/amount_cents"


class ClaimNotOpen(Conflict):
    """Nothing of this claim is open: it is proved, or written off."""

    code = "payments.claim_not_open"


class ClaimStillAwaited(Refused):
    """M-Pesa may still tell of this money; it can be written off once it should have come."""

    code = "payments.claim_still_awaited"


class OwnClaim(Forbidden):
    """Nobody writes off what they have claimed themselves."""

    code = "payments.own_claim"
    constraints = ("claim_write_offs_by_another",)
