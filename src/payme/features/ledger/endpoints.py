"""HTTP of the ledger."""

from payme.features.ledger.schemas import TrialBalance
from payme.features.ledger.services import trial_balance
from payme.runtime.http import Call, Feature, Response, Router

router = Router(prefix="/v1/businesses/{business_id}/reports", tag="ledger")


@router.get("/trial-balance", operation="ledger_trial_balance", response=TrialBalance, may="ledger.read")
async def get_trial_balance(call: Call) -> Response:
    """Read every account's balance; the sums of sound books are zero."""
    return await call.read(trial_balance)


feature = Feature("ledger", "Accounts, postings and balances.", (router,))
