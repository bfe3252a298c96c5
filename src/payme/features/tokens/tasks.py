"""What the wallet does when a business begins, when tokens are paid for, and what the platform books from it."""

import contextlib

from payme.features.businesses import PLATFORM_BUSINESS_ID, BusinessCreated
from payme.features.ledger import AlreadyPosted
from payme.features.payments import PaymentFailed, PaymentSucceeded, WalletOverpaid, WalletPaid
from payme.features.tokens import services
from payme.features.tokens.events import TokensPurchased
from payme.features.tokens.services import PURPOSE, TokenPolicy
from payme.runtime.database import UnitOfWork
from payme.runtime.jobs import JobContext, Tasks

tasks = Tasks("tokens")


@tasks.within(BusinessCreated)
async def give_wallet(uow: UnitOfWork, _event: BusinessCreated) -> None:
    """Give a new business its wallet with the welcome grant, in the transaction that makes it."""
    policy = uow.tool(TokenPolicy)
    await services.open_wallet(uow, welcome=policy.welcome, overdraft=policy.overdraft)


@tasks.on(PaymentSucceeded, job="tokens.credit_purchase")
async def credit_purchase(job: JobContext) -> None:
    """Credit the tokens of a paid purchase."""
    event = PaymentSucceeded.model_validate(job.payload)
    if event.purpose == PURPOSE:
        await job.finish(lambda uow: services.credit_purchase(uow, event))


@tasks.on(PaymentFailed, job="tokens.fail_purchase")
async def fail_purchase(job: JobContext) -> None:
    """Close a purchase whose payment failed."""
    event = PaymentFailed.model_validate(job.payload)
    if event.purpose == PURPOSE:
        await job.finish(lambda uow: services.fail_purchase(uow, event))


@tasks.on(WalletOverpaid, job="tokens.credit_excess")
async def credit_excess(job: JobContext) -> None:
    """Credit what was paid beyond a purchase."""
    event = WalletOverpaid.model_validate(job.payload)
    if event.purpose == PURPOSE:
        await job.finish(lambda uow: services.credit_excess(uow, event))


@tasks.on(WalletPaid, job="tokens.top_up")
async def top_up(job: JobContext) -> None:
    """Record a purchase that was paid by hand, in the business whose wallet it is for."""
    paid = WalletPaid.model_validate(job.payload)
    await job.database.run(lambda uow: services.top_up(uow, paid), business_id=paid.wallet_id)


@tasks.on(TokensPurchased, job="tokens.book_platform_revenue")
async def book_platform_revenue(job: JobContext) -> None:
    """Book a sale of tokens in the platform's own books."""
    event = TokensPurchased.model_validate(job.payload)
    # The job's own business is the buyer's, so this transaction cannot also end the job; the posting's key makes it once.
    with contextlib.suppress(AlreadyPosted):
        await job.database.run(lambda uow: services.book_platform_revenue(uow, event), business_id=PLATFORM_BUSINESS_ID)
