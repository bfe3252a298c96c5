"""The systemd units, checked by programs of systemd itself."""

import re
from pathlib import Path

import pytest

from tests.deploy.programs import said_by

ROOT = Path(__file__).resolve().parents[2]
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
# Of ten; what is left is the network, which both processes are for.
MOST_EXPOSED = 2.0


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_understands_the_unit(unit: Path, tmp_path: Path):
    copy = tmp_path / unit.name
    # The release is not installed here, and a unit whose program is missing is refused.
    copy.write_text(unit.read_text(encoding="utf-8").replace("/opt/payme/current/bin/payme", "/bin/true"))
    done = said_by("systemd-analyze", "verify", "--man=no", str(copy))
    assert [line for line in done.stderr.splitlines() if unit.name in line] == []
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_finds_little_that_the_unit_could_still_do(unit: Path):
    done = said_by("systemd-analyze", "security", "--offline=yes", "--no-pager", str(unit))
    if "unrecognized option" in done.stderr:
        pytest.skip("this systemd-analyze cannot judge a unit that is not loaded")
    (exposure,) = re.findall(r"Overall exposure level for \S+ ([0-9.]+)", done.stdout + done.stderr)
    assert float(exposure) <= MOST_EXPOSED


def test_both_processes_have_a_unit_that_migrates_first_and_comes_back():
    assert [unit.name for unit in UNITS] == ["payme-api.service", "payme-worker.service"]
    for unit in UNITS:
        text = unit.read_text(encoding="utf-8")
        process = unit.stem.removeprefix("payme-")
        assert (
            f"ExecStartPre=/opt/payme/current/bin/payme migrate up\nExecStart=/opt/payme/current/bin/payme {process}\n"
            in text
        )
        assert "Restart=always" in text
