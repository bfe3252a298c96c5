"""Words for payments. A message is anything that somebody says about one payment."""

from enum import StrEnum


class PaymentStatus(StrEnum):
    """The seven states of a payment. `unknown` is asked about, never repeated and never failed by itself."""

    CREATED = "created"
    SENDING = "sending"
    PENDING = "pending"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    EXPIRED = "expired"


OPEN_STATUSES = frozenset({PaymentStatus.CREATED, PaymentStatus.SENDING, PaymentStatus.PENDING, PaymentStatus.UNKNOWN})


class Assurance(StrEnum):
    """How sure the money is."""

    NONE = "none"
    COUNTED = "counted"
    CONFIRMED = "confirmed"
    CLAIMED = "claimed"
    DECLARED = "declared"


class Source(StrEnum):
    """Who said it."""

    ACCEPTANCE = "acceptance"
    CALLBACK = "callback"
    QUERY = "query"
    C2B = "c2b"
    STATUS = "status"
    PULL = "pull"
    STATEMENT = "statement"
    PERSON = "person"


NOTICES = frozenset({Source.CALLBACK, Source.C2B})
"""What comes to our door unsigned: above a limit its word alone credits nothing."""


PROOFS = frozenset({Source.STATUS, Source.PULL, Source.STATEMENT})
"""What M-Pesa answers when it is asked, with the amount: it credits whatever the amount is."""


class Outcome(StrEnum):
    """What was said."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    PENDING = "pending"
    PAID = "paid"
    FAILED = "failed"


class Effect(StrEnum):
    """What the decision made of it."""

    NOTED = "noted"
    FAILED = "failed"
    SUCCEEDED = "succeeded"
    LATE_SUCCESS = "late_success"
    DUPLICATE = "duplicate"
    RECEIPT_ADDED = "receipt_added"
    AMOUNT_DIFFERS = "amount_differs"
    TO_VERIFY = "to_verify"
    TOO_EARLY = "too_early"
    AMOUNT_CORRECTED = "amount_corrected"
    CONTRADICTS_CLAIM = "contradicts_claim"
    CONTRADICTS_SUCCESS = "contradicts_success"
    SECOND_PAYMENT = "second_payment"
    RECEIPT_TAKEN = "receipt_taken"
    WRONG_PROMPT = "wrong_prompt"
    WRONG_SHORTCODE = "wrong_shortcode"
    CLAIMED_ELSEWHERE = "claimed_elsewhere"
    UNCLAIMED = "unclaimed"
    VERIFIED = "verified"
    CLAIM_DIFFERS = "claim_differs"


class Settlement(StrEnum):
    """Where succeeded money went."""

    APPLIED = "applied"
    RETURNED = "returned"
    UNCLAIMED = "unclaimed"
