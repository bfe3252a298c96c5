"""What people are told for each reason, in English and Swahili, and how long to wait before a person may try again.

Words for the customer's ears never blame: a fault of the shop's own set-up says so, and the details go to the owner.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from payme.integrations.daraja.result_codes import Reason


class Audience(StrEnum):
    """Who can do something about it."""

    CUSTOMER = "customer"
    OWNER = "owner"


@dataclass(frozen=True, slots=True)
class Advice:
    """Words in two languages, who must act, and the seconds before another prompt makes sense (0: at once)."""

    audience: Audience
    en: str
    sw: str
    wait_seconds: int = 0


def _owner(en: str, sw: str, *, wait_seconds: int = 0) -> Advice:
    return Advice(Audience.OWNER, en, sw, wait_seconds)


def _customer(en: str, sw: str, *, wait_seconds: int = 0) -> Advice:
    return Advice(Audience.CUSTOMER, en, sw, wait_seconds)


ADVICE: Mapping[Reason, Advice] = MappingProxyType(
    {
        Reason.FUNDS: _customer(
            "Not enough money in the M-Pesa account.",
            "Salio la M-Pesa halitoshi.",
        ),
        Reason.LIMIT: _customer(
            "The amount is outside the M-Pesa limits. Pay less, or pay another way.",
            "Kiasi kimevuka viwango vya M-Pesa. Lipa kiasi kidogo au tumia njia nyingine.",
        ),
        Reason.REPEAT: _customer(
            "The same amount was asked for moments ago. Wait two minutes and try again.",
            "Kiasi hiki kimeombwa muda mfupi uliopita. Subiri dakika mbili ujaribu tena.",
            wait_seconds=120,
        ),
        Reason.BUSY: _customer(
            "M-Pesa is busy. Try again in a minute.",
            "M-Pesa ina shughuli nyingi. Jaribu tena baada ya dakika moja.",
            wait_seconds=60,
        ),
        Reason.LOCK: _customer(
            "Another M-Pesa request is open on this phone. Finish or close it, then try again in a minute.",
            "Kuna ombi jingine la M-Pesa kwenye simu hii. Limalize au lifunge, kisha jaribu tena baada ya dakika moja.",
            wait_seconds=60,
        ),
        Reason.EXPIRED: _customer(
            "The request ran out of time before it was answered.",
            "Muda wa ombi umeisha kabla ya kujibiwa.",
        ),
        Reason.NOT_SENT: _customer(
            "M-Pesa could not show the request on the phone. Try again.",
            "M-Pesa haikuweza kuonyesha ombi kwenye simu. Jaribu tena.",
        ),
        Reason.CANCELLED: _customer(
            "The request was cancelled on the phone, or nobody answered it.",
            "Ombi limeghairiwa kwenye simu, au halikujibiwa.",
        ),
        Reason.UNREACHABLE: _customer(
            "The phone did not answer. Is it on, with network? If no request ever appears, dial *234# to update the SIM.",
            "Simu haikujibu. Je, imewashwa na ina mtandao? Ombi lisipoonekana kabisa, piga *234# kusasisha laini.",
        ),
        Reason.PIN: _customer(
            "The M-Pesa PIN was wrong.",
            "PIN ya M-Pesa si sahihi.",
        ),
        Reason.CREDENTIAL_LOCKED: _customer(
            "The M-Pesa PIN is locked. The customer must call Safaricom on 100.",
            "PIN ya M-Pesa imefungwa. Mteja apige simu Safaricom nambari 100.",
        ),
        Reason.BAD_DEBT: _customer(
            "Safaricom does not allow this line to pay. Pay another way.",
            "Safaricom hairuhusu laini hii kulipa. Tumia njia nyingine.",
        ),
        Reason.CUSTOMER: _customer(
            "M-Pesa does not take this phone number. Check it.",
            "M-Pesa haikubali nambari hii ya simu. Ihakikishe.",
        ),
        Reason.CONFIG: _owner(
            "M-Pesa is not set up correctly for this shop. Pay another way; the owner has been told.",
            "M-Pesa ya duka hili haijawekwa sawa. Tumia njia nyingine; mwenye duka amejulishwa.",
        ),
        Reason.SHOP_FUNDS: _owner(
            "There is not enough money in the shop's own M-Pesa account.",
            "Salio katika akaunti ya M-Pesa ya duka halitoshi.",
        ),
        Reason.INITIATOR: _owner(
            "Safaricom refused the shop's API operator: name, password or certificate is wrong. Correct it before trying again.",
            "Safaricom imekataa mwendeshaji wa API wa duka: jina, nenosiri au cheti si sahihi. Rekebisha kabla ya kujaribu tena.",
        ),
        Reason.INITIATOR_LOCKED: _owner(
            "The shop's API operator is locked. An administrator must unlock it on the M-Pesa portal.",
            "Mwendeshaji wa API wa duka amefungwa. Msimamizi amfungue kwenye tovuti ya M-Pesa.",
        ),
        Reason.PERMISSION: _owner(
            "The shop's API operator lacks the role for this. An administrator can give it on the M-Pesa portal.",
            "Mwendeshaji wa API wa duka hana ruhusa ya kufanya hivi. Msimamizi aiweke kwenye tovuti ya M-Pesa.",
        ),
        Reason.ACCOUNT_RULE: _owner(
            "The shop's M-Pesa account may not do this in its present state. Ask Safaricom.",
            "Akaunti ya M-Pesa ya duka hairuhusiwi kufanya hivi kwa sasa. Wasiliana na Safaricom.",
        ),
        Reason.REQUEST: _owner(
            "M-Pesa did not understand the request. The details are in the record.",
            "M-Pesa haikuelewa ombi. Maelezo yako kwenye kumbukumbu.",
        ),
        Reason.DUPLICATE: _owner(
            "M-Pesa has had this request before. Look up the first one.",
            "M-Pesa ilishapokea ombi hili. Tafuta ombi la kwanza.",
        ),
        Reason.NOT_FOUND: _owner(
            "M-Pesa knows no transaction with this receipt.",
            "M-Pesa haina muamala wenye nambari hii ya risiti.",
        ),
        Reason.ALREADY_REVERSED: _owner(
            "This payment was reversed before.",
            "Malipo haya yalisharudishwa.",
        ),
        Reason.UNREGISTERED: _customer(
            "This number has no M-Pesa account. Check it, or pay another way.",
            "Nambari hii haina akaunti ya M-Pesa. Ihakikishe au tumia njia nyingine.",
        ),
        Reason.RECIPIENT_LIMIT: _customer(
            "The receiver's M-Pesa account cannot hold this much. Send less, or pay another way.",
            "Akaunti ya M-Pesa ya mpokeaji haiwezi kupokea kiasi hiki. Tuma kidogo au tumia njia nyingine.",
        ),
    }
)


def advice_for(reason: Reason) -> Advice:
    """Return what to tell people; every reason has words."""
    return ADVICE[reason]
