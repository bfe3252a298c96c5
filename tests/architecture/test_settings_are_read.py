"""A setting that nothing reads promises what is not there."""

import re
from pathlib import Path

from payme.runtime.settings import Settings

SOURCE = Path(__file__).resolve().parents[2] / "src" / "payme"


def test_every_setting_is_read_by_something():
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for path in SOURCE.rglob("*.py")
        if path.parent.name != "settings" or path.name == "model.py"
    )
    read = set(re.findall(r"settings\.(\w+)|self\.(\w+)", code))
    named = {name for pair in read for name in pair if name}
    assert {name for name in Settings.model_fields if name not in named} == set()
