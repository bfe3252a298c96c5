"""Which path of the provider belongs to which product, method and handler.

Lives here: the table. Does not live here: behaviour. Invariant: a path stands here once.
"""

from __future__ import annotations

from payme_sim.daraja.b2b import pay_organisation, remit_tax
from payme_sim.daraja.balance import query_balance
from payme_sim.daraja.c2b import register_urls, simulate_payment
from payme_sim.daraja.oauth import generate_token
from payme_sim.daraja.payouts import pay_person, pay_pochi
from payme_sim.daraja.pull import query_pull, register_pull
from payme_sim.daraja.qr import generate_qr
from payme_sim.daraja.ratiba import create_standing_order
from payme_sim.daraja.reversal import reverse_payment
from payme_sim.daraja.status import query_status
from payme_sim.daraja.stk import push_prompt, query_prompt
from payme_sim.faults import Product
from payme_sim.gateway import Handler

PRODUCTS: tuple[tuple[str, str, Product, Handler], ...] = (
    ("GET", "/oauth/v1/generate", Product.OAUTH, generate_token),
    ("POST", "/mpesa/stkpush/v1/processrequest", Product.STK_PUSH, push_prompt),
    ("POST", "/mpesa/stkpushquery/v1/query", Product.STK_QUERY, query_prompt),
    ("POST", "/mpesa/c2b/v1/registerurl", Product.C2B_REGISTER, register_urls),
    ("POST", "/mpesa/c2b/v2/registerurl", Product.C2B_REGISTER, register_urls),
    ("POST", "/mpesa/c2b/v1/simulate", Product.C2B_SIMULATE, simulate_payment),
    ("POST", "/mpesa/c2b/v2/simulate", Product.C2B_SIMULATE, simulate_payment),
    ("POST", "/mpesa/b2c/v1/paymentrequest", Product.B2C, pay_person),
    ("POST", "/mpesa/b2c/v3/paymentrequest", Product.B2C, pay_person),
    ("POST", "/mpesa/b2pochi/v1/paymentrequest", Product.B2POCHI, pay_pochi),
    ("POST", "/mpesa/b2b/v1/paymentrequest", Product.B2B, pay_organisation),
    ("POST", "/mpesa/b2b/v1/remittax", Product.REMITTAX, remit_tax),
    ("POST", "/mpesa/transactionstatus/v1/query", Product.STATUS, query_status),
    ("POST", "/mpesa/accountbalance/v1/query", Product.BALANCE, query_balance),
    ("POST", "/mpesa/reversal/v1/request", Product.REVERSAL, reverse_payment),
    ("POST", "/mpesa/qrcode/v1/generate", Product.QR, generate_qr),
    ("POST", "/pulltransactions/v1/register", Product.PULL_REGISTER, register_pull),
    ("POST", "/pulltransactions/v1/query", Product.PULL, query_pull),
    ("POST", "/standingorder/v1/createStandingOrderExternal", Product.RATIBA, create_standing_order),
)
