"""What is counted of Safaricom: calls by product and outcome, how long they took, and which products are left alone.

A call is counted when it is over, by an increment in this process; labels are words of ours, never anything of a shop. Calls that the
breaker refuses are counted too, since a cashier hears of them. Does not live here: what an outcome means for a payment.
"""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from payme.integrations.daraja.answers import Answer
from payme.integrations.daraja.errors import DarajaUnavailable

BUCKETS: Final = (0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 30)
CALLS: Final = Counter("payme_daraja_calls", "Calls to Safaricom that ended.", ["product", "outcome"])
SECONDS: Final = Histogram(
    "payme_daraja_call_seconds", "Time of a call that was made, its token included.", ["product"], buckets=BUCKETS
)
RESTING: Final = Gauge("payme_daraja_circuit_open", "1 while this process leaves the product alone.", ["product"])


def answered(product: str, answer: Answer, *, seconds: float) -> None:
    """Count a call that brought an answer: accepted, refused by M-Pesa, or given by something in front of it."""
    outcome = "unheard"
    if answer.is_from_mpesa:
        outcome = "accepted" if answer.is_accepted else "refused"
    _ended(product, outcome, seconds=seconds)


def failed(product: str, fault: Exception, *, seconds: float) -> None:
    """Count a call that brought no answer: `unsent` where nothing had left, else `unknown`."""
    _ended(product, "unsent" if isinstance(fault, DarajaUnavailable) else "unknown", seconds=seconds)


def rested(product: str) -> None:
    """Count a call that was not made, because its product is left alone."""
    CALLS.labels(product, "resting").inc()


def circuit(product: str, *, is_open: bool) -> None:
    """Say whether a product is left alone."""
    RESTING.labels(product).set(1 if is_open else 0)


def _ended(product: str, outcome: str, *, seconds: float) -> None:
    CALLS.labels(product, outcome).inc()
    SECONDS.labels(product).observe(seconds)
