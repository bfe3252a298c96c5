"""Our own words, English and Swahili, for ends of payments and payouts of which M-Pesa's table says nothing. No database, no clock."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from payme.features.payments.rules.transitions import UNCONFIRMED

OWN_WORDS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "claimed_elsewhere": (
            "The money of this request was taken by its M-Pesa code for something else.",
            "Pesa za ombi hili zimetumika kwa malipo mengine kupitia nambari yake ya M-Pesa.",
        ),
        UNCONFIRMED: (
            "Nobody confirmed this prompt within a day, and the short code's payments do not show it.",
            "Hakuna aliyethibitisha ombi hili kwa siku nzima, na halionekani katika malipo ya duka.",
        ),
        "said_by_person": (
            "M-Pesa gave no final answer; somebody looked and found that the money had not left.",
            "M-Pesa haikutoa jibu la mwisho; mtu aliangalia na kuona kwamba pesa hazikutoka.",
        ),
        "returned_already": (
            "An earlier order to send this money back, which M-Pesa had denied, went through after all.",
            "Agizo la awali la kurudisha pesa hizi, ambalo M-Pesa ilikuwa imekataa, lilifaulu baadaye.",
        ),
        "approval.rejected": ("Nobody agreed to it.", "Hakuna aliyeidhinisha."),
        "approval.expired": ("Nobody agreed to it in time.", "Hakuna aliyeidhinisha kwa wakati."),
    }
)
UNEXPLAINED: Final = (
    "M-Pesa ended it with a code that is not known here; the code is in the record.",
    "M-Pesa imekatisha kwa msimbo usiojulikana hapa; msimbo uko kwenye kumbukumbu.",
)
"""For a code that is in no table: it is said that nobody knows, and nothing is guessed."""
