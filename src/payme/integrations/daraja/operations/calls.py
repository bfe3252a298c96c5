"""The calls of a shop's operator.

What moves money is sent once and never again by itself; a question may be sent again where nothing was sent.
"""

from payme.integrations.daraja.calls import Body, CallingApp
from payme.integrations.daraja.operations.acceptances import (
    OperationAccepted,
    PayoutAccepted,
    is_kept_out,
    judge_operation,
)
from payme.integrations.daraja.operations.accounts import ResultUrls
from payme.integrations.daraja.operations.payouts import B2cVersion, Payout
from payme.integrations.daraja.operations.questions import BalanceQuery, StatusQuery
from payme.integrations.daraja.operations.reversals import Reversal
from payme.integrations.daraja.operations.transfers import B2bCommand, Transfer

B2C_PATHS = {B2cVersion.V3: "/mpesa/b2c/v3/paymentrequest", B2cVersion.V1: "/mpesa/b2c/v1/paymentrequest"}
B2POCHI_PATH = "/mpesa/b2pochi/v1/paymentrequest"
B2B_PATH = "/mpesa/b2b/v1/paymentrequest"
TAX_PATH = "/mpesa/b2b/v1/remittax"
STATUS_PATH = "/mpesa/transactionstatus/v1/query"
BALANCE_PATH = "/mpesa/accountbalance/v1/query"
REVERSAL_PATH = "/mpesa/reversal/v1/request"


class OperationCalls(CallingApp):
    """Calls that an operator orders.

    Each raises InvalidCallbackUrl; DarajaUnavailable (nothing was sent), DarajaRefused (nothing was done), DarajaUnknown
    (it may be done: ask for its status, never send it again).
    """

    async def b2c(self, payout: Payout, *, version: B2cVersion = B2cVersion.V3) -> PayoutAccepted:
        """Pay a person. Where the app is kept out of version 3, version 1 is asked once; the answer says which took it.

        Raises: DuplicateRequest where our id was used before; and as all calls.
        """
        payout.urls.require_urls(production=self._options.is_production)
        answer = await self._call(B2C_PATHS[version], payout.body(version), limits=self._push_limits)
        if version is B2cVersion.V3 and is_kept_out(answer):
            version = B2cVersion.V1
            answer = await self._call(B2C_PATHS[version], payout.body(version), limits=self._push_limits)
        return _payout_accepted(judge_operation(answer, pays_a_person=True), payout, version)

    async def b2pochi(self, payout: Payout) -> PayoutAccepted:
        """Pay into a person's Pochi.

        Raises: DuplicateRequest where our id was used before; and as all calls.
        """
        payout.urls.require_urls(production=self._options.is_production)
        answer = await self._call(B2POCHI_PATH, payout.pochi_body(), limits=self._push_limits)
        return _payout_accepted(judge_operation(answer, pays_a_person=True), payout, B2cVersion.V3)

    async def b2b(self, transfer: Transfer) -> OperationAccepted:
        """Pay a business, or tax."""
        path = TAX_PATH if transfer.command is B2bCommand.PAY_TAX_TO_KRA else B2B_PATH
        return await self._order(path, transfer.body(), urls=transfer.urls)

    async def reversal(self, reversal: Reversal) -> OperationAccepted:
        """Send a customer's payment back."""
        return await self._order(REVERSAL_PATH, reversal.body(), urls=reversal.urls)

    async def transaction_status(self, query: StatusQuery) -> OperationAccepted:
        """Ask what became of a transaction; DarajaUnknown means that an answer may come all the same."""
        return await self._ask(STATUS_PATH, query.body(), urls=query.urls)

    async def account_balance(self, query: BalanceQuery) -> OperationAccepted:
        """Ask what a shortcode has; DarajaUnknown means that an answer may come all the same."""
        return await self._ask(BALANCE_PATH, query.body(), urls=query.urls)

    async def _order(self, path: str, body: Body, *, urls: ResultUrls) -> OperationAccepted:
        urls.require_urls(production=self._options.is_production)
        return judge_operation(await self._call(path, body, limits=self._push_limits))

    async def _ask(self, path: str, body: Body, *, urls: ResultUrls) -> OperationAccepted:
        urls.require_urls(production=self._options.is_production)
        return judge_operation(await self._call_again_if_unsent(path, body, limits=self._query_limits))


def _payout_accepted(accepted: OperationAccepted, payout: Payout, version: B2cVersion) -> PayoutAccepted:
    ours = payout.originator_conversation_id if version is B2cVersion.V3 else ""
    return PayoutAccepted(accepted.conversation_id, accepted.originator_conversation_id or ours, version)
