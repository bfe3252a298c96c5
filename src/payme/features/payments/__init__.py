"""Payments: money asked for and money that arrived, how sure it is, and the evidence of it.

Seven states: created → sending → pending → succeeded | failed | expired, and `unknown`, which is asked about. A prompt is sent
at most once, a receipt applied at most once, a success is never undone by a failure. Who asked for the money hears of it by
events; payments knows no sale.
"""

from payme.features.payments.errors import (
    AlreadyClaimed,
    AmountOutsideLimits,
    ClaimLimit,
    ClaimNotOpen,
    ClaimStillAwaited,
    MethodNotConfigured,
    MoneyInDispute,
    NotReturnable,
    NotVerifiedYet,
    OperatorMissing,
    OwnClaim,
    PayoutExists,
    PayoutTooSmall,
    PhoneInvalid,
    PromptAlreadyOpen,
    PromptMayOwnIt,
    ReceiptAmountDiffers,
    ReceiptInvalid,
    ReceiptUsed,
    UnclaimedNotFound,
    WalletUnknown,
    WholeShillings,
)
from payme.features.payments.events import (
    PaymentChanged,
    PaymentFailed,
    PaymentSucceeded,
    PayoutFailed,
    PayoutSucceeded,
    WalletOverpaid,
    WalletPaid,
)
from payme.features.payments.repository.payments import list_for
from payme.features.payments.repository.proofs import (
    MoneyDocument,
    list_documents,
    list_documents_between,
    list_documents_of_receipts,
    sum_applied,
)
from payme.features.payments.repository.sealed import SEALED
from payme.features.payments.repository.sums import ShortcodeSum
from payme.features.payments.rules.claims import Channel
from payme.features.payments.rules.transitions import prompt_key
from payme.features.payments.schemas import (
    BalanceGapView,
    ConfigureMethod,
    MethodKind,
    PaymentView,
    ProbeView,
    UnclaimedView,
    UnsettledPayment,
)
from payme.features.payments.services.carry_sums import sum_by_shortcode
from payme.features.payments.services.checks import MpesaRules
from payme.features.payments.services.claim_money import Destination, claim_unclaimed
from payme.features.payments.services.claim_receipt import Word, claim_receipt
from payme.features.payments.services.gateway import DarajaAccess, PlatformAccount
from payme.features.payments.services.late_payout import displace_payout
from payme.features.payments.services.list_unsettled import list_unsettled
from payme.features.payments.services.manage import configure_method, get_payment, get_unclaimed, list_methods
from payme.features.payments.services.operators import Certificate
from payme.features.payments.services.outages import list_outages
from payme.features.payments.services.platform_money import (
    Unplaced,
    hand_over_receipt,
    list_unplaced,
    listen_for_platform,
    take_platform_money,
)
from payme.features.payments.services.probe_method import list_probes, request_probe
from payme.features.payments.services.purposes import Desk, Expected
from payme.features.payments.services.record_counted import Counted, record_counted
from payme.features.payments.services.record_statement import (
    StatementMoney,
    find_collecting_number,
    list_collecting_numbers,
    list_numbers_with,
    record_statement_money,
)
from payme.features.payments.services.register_c2b import request_registration
from payme.features.payments.services.request_payout import pay_refund
from payme.features.payments.services.request_stk import SEND_JOB, request_stk
from payme.features.payments.services.settle import settle
from payme.features.payments.services.watch_balance import list_gaps
from payme.features.payments.services.write_off_claim import write_off_claim

__all__ = [
    "SEALED",
    "SEND_JOB",
    "AlreadyClaimed",
    "AmountOutsideLimits",
    "BalanceGapView",
    "Certificate",
    "Channel",
    "ClaimLimit",
    "ClaimNotOpen",
    "ClaimStillAwaited",
    "ConfigureMethod",
    "Counted",
    "DarajaAccess",
    "Desk",
    "Destination",
    "Expected",
    "MethodKind",
    "MethodNotConfigured",
    "MoneyDocument",
    "MoneyInDispute",
    "MpesaRules",
    "NotReturnable",
    "NotVerifiedYet",
    "OperatorMissing",
    "OwnClaim",
    "PaymentChanged",
    "PaymentFailed",
    "PaymentSucceeded",
    "PaymentView",
    "PayoutExists",
    "PayoutFailed",
    "PayoutSucceeded",
    "PayoutTooSmall",
    "PhoneInvalid",
    "PlatformAccount",
    "ProbeView",
    "PromptAlreadyOpen",
    "PromptMayOwnIt",
    "ReceiptAmountDiffers",
    "ReceiptInvalid",
    "ReceiptUsed",
    "ShortcodeSum",
    "StatementMoney",
    "UnclaimedNotFound",
    "UnclaimedView",
    "Unplaced",
    "UnsettledPayment",
    "WalletOverpaid",
    "WalletPaid",
    "WalletUnknown",
    "WholeShillings",
    "Word",
    "claim_receipt",
    "claim_unclaimed",
    "configure_method",
    "displace_payout",
    "find_collecting_number",
    "get_payment",
    "get_unclaimed",
    "hand_over_receipt",
    "list_collecting_numbers",
    "list_documents",
    "list_documents_between",
    "list_documents_of_receipts",
    "list_for",
    "list_gaps",
    "list_methods",
    "list_numbers_with",
    "list_outages",
    "list_probes",
    "list_unplaced",
    "list_unsettled",
    "listen_for_platform",
    "pay_refund",
    "prompt_key",
    "record_counted",
    "record_statement_money",
    "request_probe",
    "request_registration",
    "request_stk",
    "settle",
    "sum_applied",
    "sum_by_shortcode",
    "take_platform_money",
    "write_off_claim",
]
