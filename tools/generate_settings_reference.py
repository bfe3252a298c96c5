"""Renders `docs/reference/settings.md` from the settings' own descriptions; `tools.generate_docs` writes and compares it.

Invariant: every setting stands in it once, with its default and what it means.
"""

from payme.runtime.settings import GROUPS
from tools.generate_env_example import title, written

HEADER = """\
# Settings

Generated from `src/payme/runtime/settings` by `make docs`. All settings are read once at start: from the environment first, then
from files named by `*_FILE` variables, then from `.env`; every fault is reported in one message.
"""


def render() -> str:
    """Return the whole page."""
    parts = [HEADER]
    for group in GROUPS:
        parts.append(f"\n## {title(group)}\n\n| variable | default | meaning |\n|---|---|---|\n")
        for name, field in group.model_fields.items():
            default = "required" if field.is_required() else written(field.default)
            shown = default if default in {"", "required"} else f"`{default.replace(',', ', ')}`"
            example = f" Example: `{field.examples[0]}`." if field.examples else ""
            parts.append(f"| `{name.upper()}` | {shown} | {field.description}{example} |\n")
    return "".join(parts)
