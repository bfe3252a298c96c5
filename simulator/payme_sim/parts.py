"""The parts that everything which acts over time is made of.

Lives here: their names. Does not live here: behaviour.
Invariant: all of them belong to one run.
"""

from __future__ import annotations

from dataclasses import dataclass

from payme_sim.apps import Apps
from payme_sim.clock import Clock
from payme_sim.courier import Courier
from payme_sim.dice import Dice
from payme_sim.faults import Faults
from payme_sim.ledger import Ledger
from payme_sim.settings import Settings
from payme_sim.transcript import Transcript


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """One run's clock, dice, switches, record, faults, customers, money and deliveries."""

    clock: Clock
    dice: Dice
    settings: Settings
    transcript: Transcript
    faults: Faults
    apps: Apps
    ledger: Ledger
    courier: Courier
