"""The calls of Pull. Both may be made again at any time; neither moves money."""

from payme.integrations.daraja.callback_urls import require_callback_url
from payme.integrations.daraja.calls import CallingApp
from payme.integrations.daraja.pull.pages import PullPage, PullState, judge_pull, judge_pull_registration
from payme.integrations.daraja.pull.requests import PullQuery, PullRegistration

REGISTER_PATH = "/pulltransactions/v1/register"
QUERY_PATH = "/pulltransactions/v1/query"


class PullCalls(CallingApp):
    """Calls for the payments of the last 48 hours.

    Each raises DarajaUnavailable, DarajaRefused (also where the app is not subscribed) and DarajaUnknown; asking again is
    harmless.
    """

    async def pull_register(self, registration: PullRegistration) -> PullState:
        """Open Pull for a shortcode, once and for all.

        Raises: InvalidCallbackUrl; and as all calls.
        """
        require_callback_url(registration.callback_url, production=self._options.is_production)
        body = registration.body()
        return judge_pull_registration(await self._call_again_if_unsent(REGISTER_PATH, body, limits=self._query_limits))

    async def pull_transactions(self, query: PullQuery) -> PullPage:
        """Return one page of payments.

        Raises: InvalidRequest where the window begins more than 48 hours ago; and as all calls.
        """
        query.require_recent(self._clock.now())
        answer = await self._call_again_if_unsent(QUERY_PATH, query.body(), limits=self._query_limits)
        return judge_pull(answer, offset=query.offset)
