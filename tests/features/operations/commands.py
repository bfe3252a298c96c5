"""Run the `payme` command as a person does."""

import asyncio
import json
from typing import Any

from typer.testing import CliRunner

from payme.entrypoints.cli import app
from tests.sound_shop import SETTINGS


async def payme(*arguments: str, **environment: str) -> tuple[int, str]:
    """Return the exit code and everything that was printed, on 80 columns."""
    environment = {**SETTINGS, "COLUMNS": "80", "TERM": "dumb", **environment}
    done = await asyncio.to_thread(CliRunner().invoke, app, list(arguments), env=environment)
    return done.exit_code, done.output


async def payme_json(*arguments: str, **environment: str) -> tuple[int, Any]:
    code, output = await payme(*arguments, "--json", **environment)
    return code, json.loads(output)
