"""One simulated provider: its parts, joined.

Lives here: construction and reset. Does not live here: behaviour.
Invariant: after a reset nothing of the earlier run is left but the clock object, the key pair and the start options.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from payme_sim.apps import Apps, ShortCode
from payme_sim.c2b import C2b
from payme_sim.clock import Clock
from payme_sim.courier import Courier
from payme_sim.dice import Dice
from payme_sim.faults import Faults
from payme_sim.initiators import Initiators, KeyPair
from payme_sim.ledger import Ledger
from payme_sim.movements import Place
from payme_sim.operations import Operations
from payme_sim.parts import Parts
from payme_sim.prompts import Prompts
from payme_sim.settings import Settings
from payme_sim.spike_arrest import SpikeArrest
from payme_sim.transcript import Transcript


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a run starts; without a seed one is drawn, so that runs differ."""

    seed: int | None = None
    start: datetime | None = None
    frozen: bool = False
    settings: Settings = field(default_factory=Settings)
    key_path: Path | None = None


class World:
    """The parts of the simulator; handlers reach everything through it."""

    def __init__(self, options: Options) -> None:
        """Build a run from its options."""
        self._options = options
        self.clock = Clock(start=options.start, frozen=options.frozen)
        # The key outlives a reset: whoever has the certificate keeps it.
        self.keys = KeyPair(options.key_path)
        self._build(options.seed)

    def reset(self, *, seed: int | None = None, start: datetime | None = None, frozen: bool | None = None) -> None:
        """Begin again: empty ledger, default apps, no faults, no prompts, empty transcript."""
        self.clock.restart(
            start=start or self._options.start, frozen=self._options.frozen if frozen is None else frozen
        )
        self._build(self._options.seed if seed is None else seed)

    def add_shortcode(self, code: ShortCode) -> None:
        """Register a short code and open its accounts."""
        self.apps.shortcodes[code.shortcode] = code
        for account in code.account_names:
            self.ledger.open_account(Place(code.shortcode, account))

    def _build(self, seed: int | None) -> None:
        self.seed = secrets.randbelow(2**31) if seed is None else seed
        self.settings = self._options.settings.model_copy()
        self.dice = Dice(self.seed, self.clock)
        self.transcript = Transcript(self.clock)
        self.faults = Faults()
        self.ledger = Ledger(self.clock, self.dice, settings=self.settings)
        self.apps = Apps(self.clock, self.dice)
        self.courier = Courier(self.clock, self.faults, settings=self.settings, transcript=self.transcript)
        parts = Parts(
            clock=self.clock,
            dice=self.dice,
            settings=self.settings,
            transcript=self.transcript,
            faults=self.faults,
            apps=self.apps,
            ledger=self.ledger,
            courier=self.courier,
        )
        self.initiators = Initiators(self.keys)
        self.operations = Operations(parts, self.initiators)
        self.c2b = C2b(parts)
        self.prompts = Prompts(parts, self.c2b)
        self.pulling: set[str] = set()
        self.standing_orders: set[tuple[str, str]] = set()
        self.query_gate = SpikeArrest()
        for code in list(self.apps.shortcodes.values()):
            self.add_shortcode(code)
