"""The client of one Daraja app: push a prompt, ask about a prompt, and the calls of the other products.

A push is sent once; how a call may be repeated at all is `calls`. A query is a read.
"""

from payme.integrations.daraja.c2b.calls import C2bCalls
from payme.integrations.daraja.callback_urls import require_callback_url
from payme.integrations.daraja.errors import DarajaRefused, DarajaUnavailable, DarajaUnknown
from payme.integrations.daraja.operations.calls import OperationCalls
from payme.integrations.daraja.outcomes import QueryNote, StkAccepted, StkQueryResult, judge_push, judge_query
from payme.integrations.daraja.pull.calls import PullCalls
from payme.integrations.daraja.qr import QrCalls
from payme.integrations.daraja.ratiba.calls import RatibaCalls
from payme.integrations.daraja.requests import StkPush, StkQuery
from payme.integrations.daraja.result_codes import Standing

PUSH_PATH = "/mpesa/stkpush/v1/processrequest"
QUERY_PATH = "/mpesa/stkpushquery/v1/query"


class DarajaClient(C2bCalls, OperationCalls, PullCalls, QrCalls, RatibaCalls):
    """Calls Daraja as one app; keep one client for each app in a process, so that its calls share one renewal."""

    async def stk_push(self, push: StkPush) -> StkAccepted:
        """Ask a customer's phone for money and return the ids of the prompt; no money has moved yet.

        Raises: InvalidCallbackUrl; DarajaUnavailable (nothing was sent), DarajaRefused (refused, no prompt),
        DarajaUnknown (there may be a prompt: never push again, ask or wait for evidence).
        """
        require_callback_url(push.callback_url, production=self._options.is_production)
        body = push.body(self._clock.now())
        return judge_push(await self._call(PUSH_PATH, body, limits=self._push_limits))

    async def stk_query(self, query: StkQuery) -> StkQueryResult:
        """Ask what became of a prompt; every trouble on the way is an UNKNOWN result with a note, not an exception."""
        body = query.body(self._clock.now())
        try:
            answer = await self._call_again_if_unsent(QUERY_PATH, body, limits=self._query_limits)
        except DarajaUnavailable as fault:
            note = QueryNote.THROTTLED if fault.retry_after_seconds is not None else QueryNote.NOT_SENT
            return StkQueryResult(Standing.UNKNOWN, note, retry_after_seconds=fault.retry_after_seconds)
        except DarajaUnknown as fault:
            return StkQueryResult(Standing.UNKNOWN, QueryNote.NO_ANSWER, text=fault.code)
        except DarajaRefused as fault:
            return StkQueryResult(Standing.UNKNOWN, QueryNote.CREDENTIALS_REFUSED, text=fault.text)
        return judge_query(answer, query.checkout_request_id)

    async def probe(self) -> None:
        """Prove the app's key and secret by using or minting its token.

        Raises: DarajaRefused (`daraja.credentials_refused`), DarajaUnavailable.
        """
        await self._tokens.current()
