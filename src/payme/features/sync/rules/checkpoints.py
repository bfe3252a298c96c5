"""Where a device goes on reading, by its checkpoint and the epochs that restores began."""

from collections.abc import Mapping

from payme.features.sync.errors import ResyncRequired
from payme.kit.synced import FIRST, LAST, Place
from payme.kit.values import value


@value
class Standing:
    """The counter of a business now; `forks` holds for each epoch but the first the number at which it left the one before."""

    epoch: int
    sequence: int
    forks: Mapping[int, int]


def begin_at(asked: Place, epoch: int | None, *, standing: Standing) -> Place:
    """Return the place to read from: the one asked for, or the fork where that was seen in a past that is gone.

    Without an epoch it is a first pull. Raises: ResyncRequired for a checkpoint that was never given out here.
    """
    if epoch is None:
        return Place(0, FIRST, asked.branch_id, asked.limit)
    fork = min((at for began, at in standing.forks.items() if began > epoch), default=None)
    if epoch > standing.epoch or (fork is None and asked.sequence > standing.sequence):
        raise ResyncRequired(epoch=standing.epoch)
    if fork is not None and asked.sequence > fork:
        return Place(fork, LAST, asked.branch_id, asked.limit)
    return asked
