"""What every browser test may use: the shop, and the API of its module; a test that has killed it leaves the next one a new process."""

from collections.abc import Iterator

import pytest

from tests.api_process import ApiProcess
from tests.trade import database, shop

__all__ = ["database", "shop"]


@pytest.fixture(scope="module")
def served(owner_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiProcess]:
    """One API process for the tests of a module, of which each has a shop of its own."""
    with ApiProcess(owner_dsn, tmp_path_factory.mktemp("api") / "api.log") as started:
        yield started


@pytest.fixture
def api(served: ApiProcess) -> ApiProcess:
    """The module's API, running."""
    if not served.is_alive:
        served.start()
        served.wait_until_ready()
    return served
