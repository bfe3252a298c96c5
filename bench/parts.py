"""The parts of a run: what each asks of whom, what it needs, and which ratios of them have a target.

Invariant: two parts that are divided by each other stand in one run and are sampled in turn.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bench.doors import C2B, STK
from bench.peer import RECORDED_PREFIX
from bench.tills import PUSH

API: Final = "api"
PEER: Final = "node"
PGBENCH: Final = "pgbench"
HOT_SHOP: Final = 1


@dataclass(frozen=True, slots=True)
class Part:
    """A closed-loop part: who is loaded, with what, and whether all of it is on one shop."""

    server: str
    what: str = "sale"
    hot: bool = False
    prefix: str = ""

    def shops(self, count: int) -> tuple[int, int]:
        """Return the first and the last shop that the load is spread over."""
        return (HOT_SHOP, HOT_SHOP) if self.hot else (1, count)


@dataclass(frozen=True, slots=True)
class Ratio:
    """A part divided by the one beside it, and what it should be at least: as the median, and in every sample."""

    part: str
    over: str
    target: float | None = None
    floor: float | None = None


CLOSED: Final[Mapping[str, Part]] = {
    "limit": Part(PGBENCH),
    "sale": Part(API),
    "express": Part(PEER),
    "express with our SQL": Part(PEER, prefix=RECORDED_PREFIX),
    "callback": Part(API, STK),
    "confirmation": Part(API, C2B),
    "push": Part(API, PUSH),
    "hot limit": Part(PGBENCH, hot=True),
    "hot": Part(API, hot=True),
    "list": Part(API, "list"),
    "express list": Part(PEER, "list"),
    "unchanged": Part(API, "unchanged"),
    "express unchanged": Part(PEER, "unchanged"),
    "mix": Part(API, "mix"),
    "express mix": Part(PEER, "mix"),
}
OPEN_LOOP: Final = "open_loop"
KNEE: Final = "knee"
GROWTH: Final = "growth"
FIRST_PULL: Final = "first pull"
OPEN: Final = {OPEN_LOOP: "sale", KNEE: "mix"}
PARTS: Final = (*CLOSED, *OPEN, FIRST_PULL, GROWTH)
RATIOS: Final = (
    Ratio("sale", "limit", 0.65),
    Ratio("sale", "express", 3.0, 2.5),
    Ratio("sale", "express with our SQL", 1.2),
    Ratio("callback", "sale", 2.0),
    Ratio("confirmation", "sale", 2.0),
    Ratio("push", "sale", 0.5),
    Ratio("hot", "sale", 0.65),
    Ratio("hot limit", "limit"),
    Ratio("list", "express list", 1.8),
    Ratio("unchanged", "express list", 2.5),
    Ratio("unchanged", "express unchanged"),
    Ratio("mix", "express mix", 2.4),
)
FASTER: Final = (("callback", "sale"), ("confirmation", "sale"))
"""Parts whose 99th percentile is to lie below that of the one beside them."""
OPEN_LOOP_TARGETS_MS: Final = {12_000: 25, 24_000: 100}
KNEE_P99_MS: Final = 200.0
KNEE_TARGET: Final = 60_000
GROWTH_TARGET: Final = 1.3
FIRST_PULL_TARGET: Final = 20
"""How many times as long as COPY of the same rows a first pull may take."""

SMALLEST: Final = 1_000
LARGEST: Final = 10_000_000
SOURCES: Final[Mapping[str, tuple[str, ...]]] = {
    "cash_sale.vs_pgbench": ("sale", "limit"),
    "cash_sale.vs_express": ("sale", "express"),
    "cash_sale.vs_express_with_our_sql": ("sale", "express with our SQL"),
    "cash_sale.hot_vs_spread": ("hot", "sale"),
    "receiver.callback_vs_sale": ("callback", "sale"),
    "receiver.callback_p99_vs_sale": ("callback", "sale"),
    "receiver.confirmation_vs_sale": ("confirmation", "sale"),
    "receiver.confirmation_p99_vs_sale": ("confirmation", "sale"),
    "receiver.per_second": ("callback",),
    "sync.push_vs_sale": ("push", "sale"),
    "sync.sales_per_second": ("push",),
    "sync.first_pull_vs_copy": (FIRST_PULL,),
    "cash_sale.per_second": ("sale",),
    "cash_sale.cpu_us": ("sale",),
    "open_loop": (OPEN_LOOP, f"{OPEN_LOOP} of {API}"),
    "list.vs_express": ("list", "express list"),
    "list.not_modified_vs_express": ("unchanged", "express list"),
    "mixed.vs_express": ("mix", "express mix"),
    "mixed.requests_per_minute": (KNEE, f"{KNEE} of {API}"),
    "mixed.p99_ms": (KNEE, f"{KNEE} of {API}"),
    "growth.cost_ratio_1e7_to_1e3": (GROWTH,),
}
"""The parts that each written figure is made of."""
