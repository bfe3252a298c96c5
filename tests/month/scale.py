"""How large a month is, and what is drawn for it: who sells when and how, and when the provider has which trouble.

Everything is drawn from the seed before anything runs. Does not live here: carrying any of it out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

OPENS: Final = timedelta(hours=5)
CLOSES: Final = timedelta(hours=15)
"""Eight in the morning and six in the evening of Nairobi, as hours of UTC."""
FIRST_DAY: Final = datetime(2026, 10, 1, tzinfo=UTC)
RUSH: Final = 14
"""Sales that begin at one moment, all over the town: shops are full or empty."""
KINDS: Final = {"cash": 45, "prompt": 35, "named": 3, "fetched": 5, "moved_phone": 2, "claim": 5, "split": 5, "owed": 5}
STRAYS: Final = 0.02
"""Payments that belong to no sale, for each sale."""
REFUNDS: Final = 0.02


@dataclass(frozen=True)
class Scale:
    """A month: how many sales, businesses and days, and which day (from 0) no callback arrives on; the seed says the rest.

    On the quiet days after it nobody sells, but each shop is paid something twice, so that Pull has proof of the days before.
    A quarter of the town is lived through by itself; all draws are those of the whole town.
    """

    sales: int = 20_000
    shops: int = 50
    days: int = 30
    dark_day: int = 14
    quiet_days: int = 3
    seed: int = 1
    quarter: int = 0
    quarters: int = 1

    @property
    def places(self) -> range:
        """The shops of this quarter, among those of the town."""
        return range(self.quarter, self.shops, self.quarters)

    @property
    def ends_at(self) -> datetime:
        """When nothing is sold any more."""
        return FIRST_DAY + timedelta(days=self.days)

    @property
    def dark(self) -> tuple[datetime, datetime]:
        """From when until when every callback is dropped."""
        begins = FIRST_DAY + timedelta(days=self.dark_day)
        return begins, begins + timedelta(days=1)


@dataclass(frozen=True)
class Beginning:
    """One story: when it begins, in which shop (from 0), and which."""

    at: datetime
    shop: int
    kind: str
    seed: int


@dataclass(frozen=True)
class Trouble:
    """A product that is ill for some hours."""

    product: str
    kind: str
    begins_at: datetime
    hours: int
    status: int = 503


ILLNESSES: Final = (
    ("stkpush", "outage"),
    ("stkpush", "busy"),
    ("stkpush", "html"),
    ("stkquery", "spike_429"),
    ("stkquery", "outage"),
    ("oauth", "outage"),
    ("pull", "outage"),
    ("pull", "html"),
    ("b2c", "outage"),
    ("reversal", "busy"),
    ("status", "outage"),
)


def draw_beginnings(scale: Scale) -> Sequence[Beginning]:
    """Draw every story of the month, and return those of the quarter in order of time."""
    dice = Random(f"{scale.seed} beginnings")
    drawn: list[Beginning] = []
    for begun in range(0, scale.sales, RUSH):
        day = FIRST_DAY + timedelta(days=dice.randrange(scale.days))
        at = day + OPENS + (CLOSES - OPENS) * dice.random()
        rush = min(RUSH, scale.sales - begun)
        for _ in range(rush):
            kind = dice.choices(list(KINDS), weights=list(KINDS.values()))[0]
            drawn.append(Beginning(at, dice.randrange(scale.shops), kind, dice.getrandbits(48)))
        strays = sum(dice.random() < STRAYS for _ in range(rush))
        drawn += [Beginning(at, dice.randrange(scale.shops), "stray", dice.getrandbits(48)) for _ in range(strays)]
    quiet = (scale.ends_at + timedelta(days=day) + at for day in range(scale.quiet_days) for at in (OPENS, CLOSES))
    drawn += [Beginning(at, shop, "paid", dice.getrandbits(48)) for at in quiet for shop in range(scale.shops)]
    return sorted((each for each in drawn if each.shop in scale.places), key=lambda each: each.at)


def draw_troubles(scale: Scale) -> Sequence[Trouble]:
    """Draw which products are ill when, for some hours each: in a whole month every illness comes twice."""
    dice = Random(f"{scale.seed} troubles")
    ills = dice.sample(ILLNESSES * 2, min(len(ILLNESSES) * 2, scale.days))
    drawn: list[Trouble] = []
    for product, kind in ills:
        day = FIRST_DAY + timedelta(days=dice.randrange(scale.days))
        begins_at = day + OPENS + timedelta(hours=dice.randrange(10))
        drawn.append(Trouble(product, kind, begins_at, dice.randint(1, 4), 500 if kind == "html" else 503))
    return drawn
