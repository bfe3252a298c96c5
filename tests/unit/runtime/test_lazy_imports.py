"""The API's start stays light: what only some deployments or commands need is not loaded by it."""

import subprocess
import sys

import pytest

from tests.sound_shop import SETTINGS

PROGRAM = """
import sys
from payme.entrypoints.{module} import *
from payme.entrypoints.wiring import begin_telling
from payme.runtime.settings import Settings
begin_telling(Settings.from_values({settings!r}))
print(*sorted({{'sentry_sdk', 'boto3', 'botocore', 'pyrage'}} & set(sys.modules)))
"""


@pytest.mark.parametrize("module", ["api", "worker"])
def test_nothing_is_loaded_that_is_not_configured(module: str):
    settings = {**SETTINGS, "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"}
    program = PROGRAM.format(module=module, settings=settings)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
    configured = {**settings, "SENTRY_DSN": "http://key@127.0.0.1:9/1"}
    program = PROGRAM.format(module=module, settings=configured)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "sentry_sdk"
