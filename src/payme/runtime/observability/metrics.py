"""Metrics that belong to no other room: which build runs, and how full the pools of connections are.

Labels are names that we give, never anything of a tenant. Requests and jobs are counted in their own rooms.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from prometheus_client import REGISTRY, Gauge
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

BUILD: Final = Gauge("payme_build_info", "Which build runs where; always 1.", ["version", "environment", "release"])


@dataclass(frozen=True, slots=True)
class PoolFigures:
    """A pool at one moment."""

    size: int
    idle: int
    largest: int
    retries: int


def announce_build(version: str, environment: str, release: str = "unknown") -> None:
    """Say which build this process is."""
    BUILD.clear()
    BUILD.labels(version=version, environment=environment, release=release).set(1)


class Pools(Collector):
    """The pools of this process; read whenever metrics are asked for."""

    def __init__(self) -> None:
        self._pools: dict[str, Callable[[], PoolFigures]] = {}

    def watch(self, name: str, read: Callable[[], PoolFigures]) -> Callable[[], None]:
        """Include a pool under a name; return a function that leaves it out again."""
        self._pools[name] = read

        def leave() -> None:
            self._pools.pop(name, None)

        return leave

    def describe(self) -> Iterable[Metric]:
        """Name nothing beforehand: asking for names must not ask the pools."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Return one family for connections and one for retries, with all pools in them."""
        connections = GaugeMetricFamily(
            "payme_database_connections", "Connections of a pool by what they do.", labels=["pool", "state"]
        )
        retries = CounterMetricFamily(
            "payme_database_retries", "Transactions run again because rows were busy.", labels=["pool"]
        )
        for name, read in list(self._pools.items()):
            figures = read()
            connections.add_metric([name, "busy"], figures.size - figures.idle)
            connections.add_metric([name, "idle"], figures.idle)
            connections.add_metric([name, "limit"], figures.largest)
            retries.add_metric([name], figures.retries)
        return connections, retries


_pools = Pools()
REGISTRY.register(_pools)


def watch_pool(name: str, read: Callable[[], PoolFigures]) -> Callable[[], None]:
    """Show a pool's figures under a name; return a function that ends it."""
    return _pools.watch(name, read)
