"""Refusals of payments."""

from payme.kit.errors import Conflict, Invalid, NotFound, Refused


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
