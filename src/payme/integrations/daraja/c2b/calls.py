"""The one call of C2B: register the addresses that news of payments goes to. It moves no money.

Version 2 is asked first; where the app's product knows only version 1, that one is asked, once. A server that breaks is
asked once more: a registration that did take effect then shows as already registered.
"""

from payme.integrations.daraja.answers import Answer
from payme.integrations.daraja.c2b.urls import (
    WRONG_VERSION,
    C2bUrls,
    C2bVersion,
    UrlsRegistration,
    deserves_one_more,
    judge_registration,
)
from payme.integrations.daraja.calls import CallingApp

PATHS = {C2bVersion.V2: "/mpesa/c2b/v2/registerurl", C2bVersion.V1: "/mpesa/c2b/v1/registerurl"}


class C2bCalls(CallingApp):
    """Calls about payments that customers make by themselves."""

    async def register_c2b_urls(self, urls: C2bUrls) -> UrlsRegistration:
        """Register both addresses of a shortcode, or learn that some stand there already; that is no error.

        Raises: InvalidCallbackUrl; DarajaUnavailable (nothing was done), DarajaRefused, DarajaUnknown (may be registered;
        asking again is harmless).
        """
        urls.require_urls(production=self._options.is_production)
        version = C2bVersion.V2
        answer = await self._registration(urls, version)
        if answer.error_code == WRONG_VERSION:
            version = C2bVersion.V1
            answer = await self._registration(urls, version)
        return judge_registration(answer, version)

    async def _registration(self, urls: C2bUrls, version: C2bVersion) -> Answer:
        path, body = PATHS[version], urls.body()
        answer = await self._call_again_if_unsent(path, body, limits=self._query_limits)
        if not deserves_one_more(answer):
            return answer
        return await self._call_again_if_unsent(path, body, limits=self._query_limits)
