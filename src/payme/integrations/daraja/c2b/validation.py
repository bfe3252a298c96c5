"""What we answer when Safaricom asks, before a payment, whether it should be taken. It waits about eight seconds.

A confirmation is answered with the accepting body as well; by then the money has moved.
Source: Daraja portal, C2B.
"""

from enum import StrEnum


class ValidationRejection(StrEnum):
    """Why a payment is not taken; the payer's phone shows words for it."""

    INVALID_MSISDN = "C2B00011"
    INVALID_ACCOUNT_NUMBER = "C2B00012"
    INVALID_AMOUNT = "C2B00013"
    INVALID_KYC_DETAILS = "C2B00014"
    INVALID_SHORTCODE = "C2B00015"
    OTHER_ERROR = "C2B00016"


def validation_accepts(third_party_id: str = "") -> dict[str, str]:
    """Return the body that lets a payment through; an id of ours comes back in its confirmation."""
    accepted = {"ResultCode": "0", "ResultDesc": "Accepted"}
    return accepted | {"ThirdPartyTransID": third_party_id} if third_party_id else accepted


def validation_rejects(code: ValidationRejection) -> dict[str, str]:
    """Return the body that stops a payment."""
    return {"ResultCode": code.value, "ResultDesc": "Rejected"}
