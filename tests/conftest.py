"""What every test may use: a database of its own worker (`tests.postgres`), a sound shop (`tests.sound_database`), the fault matrix (`tests.fault_rows`)."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How fast an example is drawn or run is no property of the code: the machine may be busy.
settings.register_profile("payme", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("payme")

# A module that tests share says why an assertion failed, as the tests themselves do.
pytest.register_assert_rewrite(*(f"tests.{each.stem}" for each in Path(__file__).parent.glob("[a-z]*.py")))
pytest_plugins = ["tests.postgres", "tests.fault_rows", "tests.sound_database"]
