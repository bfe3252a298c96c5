"""What is counted of Safaricom: calls by product and outcome, how long they took, and which products are left alone.

A call is counted when it is over, by an increment in this process; labels are words of ours, never anything of a shop. Calls that the
breaker refuses are counted too, since a cashier hears of them. Does not live here: what an outcome means for a payment.
"""

from datetime import datetime
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from payme.integrations.daraja.answers import Answer
from payme.integrations.daraja.errors import DarajaRefused, DarajaUnavailable

BUCKETS: Final = (0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 30)
CALLS: Final = Counter("payme_daraja_calls", "Calls to Safaricom that ended.", ["product", "outcome"])
SECONDS: Final = Histogram(
    "payme_daraja_call_seconds", "Time of a call that was made, its token included.", ["product"], buckets=BUCKETS
)
RESTS: Final = Gauge(
    "payme_daraja_rests_until_seconds", "Unix time until which this process leaves the product alone.", ["product"]
)


def answered(product: str, answer: Answer, *, seconds: float) -> None:
    """Count a call that brought an answer: accepted, refused by M-Pesa, or given by something in front of it."""
    outcome = "unheard"
    if answer.is_from_mpesa:
        outcome = "accepted" if answer.is_accepted else "refused"
    _ended(product, outcome, seconds=seconds)


def failed(product: str, fault: Exception, *, seconds: float) -> None:
    """Count a call that was not answered: `refused` for want of a token, `unsent` where nothing had left, else `unknown`."""
    outcome = "unknown"
    if isinstance(fault, DarajaRefused):
        outcome = "refused"
    elif isinstance(fault, DarajaUnavailable):
        outcome = "unsent"
    _ended(product, outcome, seconds=seconds)


def rested(product: str) -> None:
    """Count a call that was not made, because its product is left alone."""
    CALLS.labels(product, "resting").inc()


def rests(product: str, until: datetime) -> None:
    """Say until when a product is left alone; the moment passes by itself, whoever calls it next."""
    RESTS.labels(product).set(until.timestamp())


def wakes(product: str) -> None:
    """Say that a product answered."""
    RESTS.labels(product).set(0)


def _ended(product: str, outcome: str, *, seconds: float) -> None:
    CALLS.labels(product, outcome).inc()
    SECONDS.labels(product).observe(seconds)
