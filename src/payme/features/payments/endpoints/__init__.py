"""HTTP of payments."""

from payme.features.payments.endpoints.doors import callbacks
from payme.features.payments.endpoints.money import router as money
from payme.features.payments.endpoints.payouts import router as payouts
from payme.runtime.http import Feature

feature = Feature(
    "payments", "Money asked for and money that arrived, and how sure it is.", (money, payouts, callbacks)
)
