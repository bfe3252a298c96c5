"""The `payme` command of pyproject.toml, run from the sources: `python -m tests.deploy.payme_command api`."""

import importlib
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

if __name__ == "__main__":
    script = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]["payme"]
    module, _, name = script.partition(":")
    getattr(importlib.import_module(module), name)(prog_name="payme")
