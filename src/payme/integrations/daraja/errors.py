"""What the M-Pesa client raises: requests that would make no sense, and the three ways Safaricom does not do as asked.

    kit.Invalid              InvalidRequest, WholeShillingsOnly, InvalidCallbackUrl    found here, before anything is sent
    kit.ProviderUnavailable  DarajaUnavailable                                         nothing was sent; later
    kit.ProviderRefused      DarajaRefused                                             it said no; nobody's phone rang
    kit.OutcomeUnknown       DarajaUnknown                                             it may have happened; ask
                             DuplicateRequest                                          it arrived before; look it up

No message carries a phone number, a token or a CheckoutRequestID, which holds a phone number.
"""

from payme.integrations.daraja.result_codes import Reason
from payme.kit.errors import Invalid, OutcomeUnknown, PaymeError, ProviderRefused, ProviderUnavailable

PROVIDER = "daraja"


class InvalidRequest(Invalid):
    """A field of the M-Pesa request is not as Safaricom takes it."""

    code = "daraja.invalid_request"


class WholeShillingsOnly(Invalid):
    """M-Pesa moves whole shillings only."""

    code = "daraja.whole_shillings"


class InvalidCallbackUrl(Invalid):
    """Safaricom would refuse this callback address."""

    code = "daraja.callback_url"


class DarajaUnavailable(ProviderUnavailable):
    """Nothing was sent to the customer; the same request may be made later."""

    def __init__(self, code: str, /, *, retry_after_seconds: int | None = None, **facts: object) -> None:
        super().__init__("M-Pesa cannot be reached now.", provider=PROVIDER, code=code, **facts)
        self.retry_after_seconds = retry_after_seconds


class DarajaRefused(ProviderRefused):
    """Safaricom said no, in words that are listed; nothing was sent to the customer."""

    def __init__(self, code: str, /, *, reason: Reason, error_code: str = "", text: str = "") -> None:
        super().__init__(
            "M-Pesa refused the request.",
            provider=PROVIDER,
            code=code,
            reason=reason.value,
            error_code=error_code,
            text=text,
        )
        self.reason = reason
        self.error_code = error_code
        self.text = text


class DarajaUnknown(OutcomeUnknown):
    """The request left this machine and no readable answer came; the customer may have a prompt."""

    def __init__(self, code: str, /, **facts: object) -> None:
        super().__init__("M-Pesa did not say whether it took the request.", provider=PROVIDER, code=code, **facts)


class DuplicateRequest(DarajaUnknown):
    """Our id was used before: the first request arrived, and its outcome is to be looked up, never ordered anew."""

    def __init__(self, **facts: object) -> None:
        super().__init__("daraja.duplicate_request", **facts)


class MalformedCallback(PaymeError):
    """These bytes are not the message they should be; a person must look at them."""

    def __init__(self, fault: str) -> None:
        super().__init__(f"Not a message of M-Pesa that can be used: {fault}.")
        self.fault = fault
