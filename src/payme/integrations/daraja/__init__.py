"""Safaricom's M-Pesa API: requests in its words, answers classed as done, refused or unknown by their content.

Whole shillings only; a call that moves money is never repeated here. Nothing is stored: the shared token lives behind
`TokenStore`, a port that the caller provides.

    push   StkAccepted | DarajaRefused | DarajaUnavailable (nothing was sent) | DarajaUnknown (there may be a prompt)
    query  StkQueryResult, always: paid, failed, pending or unknown
    callback  StkCallback | MalformedCallback
    payment by the customer's own doing  C2bPayment | MalformedCallback
    payout, transfer, reversal, status, balance  accepted: its result comes later | as a push, DuplicateRequest (look up)
    result of an operation  OperationResult | MalformedCallback; its details are read by product
    standing order  StandingOrderAccepted | as a push; its callback StandingOrderResult | MalformedCallback
    pull  PullPage; only a conclusive one proves that a payment is missing
    pasted SMS  PastedSms | None; a downloaded statement StatementReading, always
    queue time-out  QueueTimeout, always; no failure
    addresses  UrlsRegistration (registered, or already registered) | as a push
"""

from payme.integrations.daraja.breaker import Breaker, BreakerRules
from payme.integrations.daraja.c2b.payments import C2bPayment, parse_c2b
from payme.integrations.daraja.c2b.urls import C2bResponse, C2bUrls, C2bVersion, UrlsRegistration, UrlsState
from payme.integrations.daraja.c2b.validation import ValidationRejection, validation_accepts, validation_rejects
from payme.integrations.daraja.callback_urls import callback_url_faults, require_callback_url
from payme.integrations.daraja.callbacks import StkCallback, parse_stk_callback
from payme.integrations.daraja.calls import ClientOptions
from payme.integrations.daraja.client import DarajaClient
from payme.integrations.daraja.credentials import AppCredentials, CollectionAccount, ShortcodeKind, TransactionType
from payme.integrations.daraja.errors import (
    DarajaRefused,
    DarajaUnavailable,
    DarajaUnknown,
    DuplicateRequest,
    InvalidCallbackUrl,
    InvalidRequest,
    MalformedCallback,
    WholeShillingsOnly,
)
from payme.integrations.daraja.field_rules import remarks_from
from payme.integrations.daraja.operations.acceptances import OperationAccepted, PayoutAccepted
from payme.integrations.daraja.operations.accounts import IdentifierType, OperatingAccount, ResultUrls
from payme.integrations.daraja.operations.initiators import Initiator
from payme.integrations.daraja.operations.payouts import B2cCommand, B2cVersion, Payout
from payme.integrations.daraja.operations.questions import BalanceQuery, StatusQuery
from payme.integrations.daraja.operations.reversals import Reversal
from payme.integrations.daraja.operations.transfers import KRA_SHORTCODE, B2bCommand, Transfer
from payme.integrations.daraja.outcomes import QueryNote, StkAccepted, StkQueryResult
from payme.integrations.daraja.parties import Party, party_of
from payme.integrations.daraja.pasted_sms import PastedSms, SmsKind, parse_mpesa_sms
from payme.integrations.daraja.pull.pages import PulledPayment, PullPage, PullState
from payme.integrations.daraja.pull.requests import PullQuery, PullRegistration
from payme.integrations.daraja.qr import DynamicQr, QrTransaction
from payme.integrations.daraja.ratiba.callbacks import StandingOrderResult, parse_standing_order
from payme.integrations.daraja.ratiba.orders import Frequency, StandingOrder, StandingOrderAccepted
from payme.integrations.daraja.receipts import is_dummy_receipt, is_receipt, receipt_date
from payme.integrations.daraja.requests import StkPush, StkQuery, description_from
from payme.integrations.daraja.result_codes import Product, Reason, ResultRule, Standing, rule_for
from payme.integrations.daraja.results.balances import AccountBalance
from payme.integrations.daraja.results.details import (
    B2bDetails,
    B2cDetails,
    ReversalDetails,
    StatusDetails,
    b2b_details,
    b2c_details,
    balances,
    reversal_details,
    status_details,
)
from payme.integrations.daraja.results.envelope import OperationResult, QueueTimeout, parse_result, parse_timeout
from payme.integrations.daraja.statements.reading import (
    RowFault,
    StatementFault,
    StatementReading,
    StatementRow,
    read_statement,
)
from payme.integrations.daraja.token_memory import MemoryTokenStore
from payme.integrations.daraja.tokens import RenewalRules, Token, TokenStore
from payme.integrations.daraja.transport import Timeouts, open_http_client
from payme.integrations.daraja.wording import Advice, Audience, advice_for

__all__ = [
    "KRA_SHORTCODE",
    "AccountBalance",
    "Advice",
    "AppCredentials",
    "Audience",
    "B2bCommand",
    "B2bDetails",
    "B2cCommand",
    "B2cDetails",
    "B2cVersion",
    "BalanceQuery",
    "Breaker",
    "BreakerRules",
    "C2bPayment",
    "C2bResponse",
    "C2bUrls",
    "C2bVersion",
    "ClientOptions",
    "CollectionAccount",
    "DarajaClient",
    "DarajaRefused",
    "DarajaUnavailable",
    "DarajaUnknown",
    "DuplicateRequest",
    "DynamicQr",
    "Frequency",
    "IdentifierType",
    "Initiator",
    "InvalidCallbackUrl",
    "InvalidRequest",
    "MalformedCallback",
    "MemoryTokenStore",
    "OperatingAccount",
    "OperationAccepted",
    "OperationResult",
    "Party",
    "PastedSms",
    "Payout",
    "PayoutAccepted",
    "Product",
    "PullPage",
    "PullQuery",
    "PullRegistration",
    "PullState",
    "PulledPayment",
    "QrTransaction",
    "QueryNote",
    "QueueTimeout",
    "Reason",
    "RenewalRules",
    "ResultRule",
    "ResultUrls",
    "Reversal",
    "ReversalDetails",
    "RowFault",
    "ShortcodeKind",
    "SmsKind",
    "Standing",
    "StandingOrder",
    "StandingOrderAccepted",
    "StandingOrderResult",
    "StatementFault",
    "StatementReading",
    "StatementRow",
    "StatusDetails",
    "StatusQuery",
    "StkAccepted",
    "StkCallback",
    "StkPush",
    "StkQuery",
    "StkQueryResult",
    "Timeouts",
    "Token",
    "TokenStore",
    "TransactionType",
    "Transfer",
    "UrlsRegistration",
    "UrlsState",
    "ValidationRejection",
    "WholeShillingsOnly",
    "advice_for",
    "b2b_details",
    "b2c_details",
    "balances",
    "callback_url_faults",
    "description_from",
    "is_dummy_receipt",
    "is_receipt",
    "open_http_client",
    "parse_c2b",
    "parse_mpesa_sms",
    "parse_result",
    "parse_standing_order",
    "parse_stk_callback",
    "parse_timeout",
    "party_of",
    "read_statement",
    "receipt_date",
    "remarks_from",
    "require_callback_url",
    "reversal_details",
    "rule_for",
    "status_details",
    "validation_accepts",
    "validation_rejects",
]
