"""The doctor's look at how shops are paid by M-Pesa: what is set up wrongly, which shop, and what to do about it.

Nobody is called: it reads what trials (`payme doctor --probe --business`), registrations and the newest prompts came to.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from payme.features.operations.repository import shops, wards
from payme.features.operations.repository.shops import SetupFinding
from payme.features.operations.schemas import Diagnosis, Mark, bad, good, look
from payme.runtime.database import UnitOfWork

_ANSWERED_WITHIN: Final = timedelta(minutes=10)
_SHOWN: Final = 20
_SHOPS_OWN: Final = frozenset({"config", "credential_locked"})
"""Reasons of failed prompts for which no customer can do anything."""
_OPERATOR_SILENT: Final = "M-Pesa took the question for the balance and has not answered it: can it reach our address?"
_ELSEWHERE: Final = (
    "addresses stood there before, and nobody tells whose. Have them deleted (apisupport@safaricom.co.ke, or two people on"
    " the M-Pesa portal), then register anew; until then such payments are found by Pull alone."
)
_NOT_TAKEN: Final = "Safaricom refused our addresses"
_STEPS: Final = {
    "credentials": "Consumer key and secret: copy both anew from the app on the Daraja portal, of the same world.",
    "prompts": "Short code, till number and passkey: for a till, the short code is the store or head-office number, the till number its own.",
    "operator": "Operator: name, password (set by a user with the right to set it on the M-Pesa portal) and MPESA_CERTIFICATE of the same world; not asked again until it is changed, for a third wrong password locks it.",
    "address": "MPESA_CALLBACK_BASE_URL: https, a public name, and none of the words that Safaricom refuses.",
    "notices": "Have payments told of anew: POST …/payment-methods/{kind}/c2b.",
    "pull": "Pull: have the product added to the app, and give the phone that stands in the short code's papers.",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Setup:
    """How one business is set up to be paid."""

    business_id: UUID
    is_foreign: bool
    findings: list[SetupFinding]


async def read_setup(uow: UnitOfWork, environment: str) -> Setup:
    """Return what is known of the business at hand."""
    foreign = await wards.find_foreign_method(uow, environment)
    return Setup(
        uow.tenant, foreign is not None, await shops.list_setup(uow, answered_until=uow.now - _ANSWERED_WITHIN)
    )


def examine_shops(setups: Sequence[Setup], environment: str) -> list[Diagnosis]:
    """Return a line for each thing that is set up wrongly, naming the shops it is wrong at."""
    lines = _foreign(setups, environment)
    wrong: dict[str, list[str]] = {}
    untried: list[str] = []
    for setup in setups:
        for each in setup.findings:
            place = f"{each.kind} {each.shortcode} of {setup.business_id}"
            if each.source == "untried":
                untried.append(place)
            elif each.source != "prompt" or each.code in _SHOPS_OWN:
                wrong.setdefault(each.subject, []).append(f"{place}: {_said(each)}")
    for subject, details in sorted(wrong.items()):
        lines.append(
            bad("Shops' M-Pesa", f"{subject}: wrong at {len(details)}.", _STEPS[subject], details=details[:_SHOWN])
        )
    if untried:
        step = "payme doctor --probe --business ID tries one; its owner may too, under payment methods."
        found = f"{len(untried)} never tried since it was set up."
        lines.append(look("Shops' M-Pesa", found, step, details=untried[:_SHOWN]))
    return lines or [good("Shops' M-Pesa", f"every account belongs to {environment}, and none is known to be wrong.")]


def _foreign(setups: Sequence[Setup], environment: str) -> list[Diagnosis]:
    foreign = [f"in {each.business_id}" for each in setups if each.is_foreign]
    if not foreign:
        return []
    found = f"{len(foreign)} with credentials of another world than {environment}."
    step = "Have them configured anew, or correct MPESA_ENVIRONMENT."
    return [Diagnosis(mark=Mark.BAD, subject="Shops' M-Pesa", found=found, next_step=step, details=foreign[:_SHOWN])]


def _said(finding: SetupFinding) -> str:
    if finding.code == "silent":
        return _OPERATOR_SILENT
    if finding.code == "already_registered":
        return _ELSEWHERE
    if finding.source == "notices":
        return f"{_NOT_TAKEN} ({finding.words})"
    return finding.words
