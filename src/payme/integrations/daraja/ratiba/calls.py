"""The one call of Ratiba. It asks a customer, so it is sent once and never again by itself."""

from payme.integrations.daraja.callback_urls import require_callback_url
from payme.integrations.daraja.calls import CallingApp
from payme.integrations.daraja.ratiba.orders import StandingOrder, StandingOrderAccepted, judge_standing_order

PATH = "/standingorder/v1/createStandingOrderExternal"


class RatibaCalls(CallingApp):
    """Calls about standing orders."""

    async def create_standing_order(self, order: StandingOrder) -> StandingOrderAccepted:
        """Ask a customer to allow a standing order.

        Raises: InvalidCallbackUrl; DarajaUnavailable (nothing was sent), DarajaRefused, DarajaUnknown (the customer may
        have been asked: wait for the callback).
        """
        require_callback_url(order.callback_url, production=self._options.is_production)
        return judge_standing_order(await self._call(PATH, order.body(), limits=self._push_limits))
