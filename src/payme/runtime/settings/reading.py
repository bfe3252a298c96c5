"""Read the settings once from a mapping of variables, and report every fault at once.

Where the mapping comes from (environment, files, a secret store) is `payme.runtime.secrets`' business.
Invariant: a process either has valid settings or does not start, and no message shows a secret.
"""

import difflib
from collections.abc import Mapping
from typing import Any, Self

from pydantic import ValidationError

from payme.kit.errors import PaymeError
from payme.runtime.settings.model import SettingValues
from payme.runtime.settings.rules import RULES

OWN_PREFIXES = (
    "MPESA_",
    "JWT_",
    "ENCRYPTION_",
    "TOKENS_",
    "RATE_LIMIT_",
    "BLIND_INDEX_",
    "DATABASE_",
    "BACKUP_",
    "SENTRY_",
    "SECRETS_",
    "ARCJET_",
)


class SettingsError(PaymeError):
    """The settings are wrong; the message names every variable and what is the matter with it."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        self.faults = dict(sorted(faults.items()))
        lines = "".join(f"\n  {name} {reason}" for name, reason in self.faults.items())
        count = len(self.faults)
        super().__init__(f"{count} setting{'s are' if count > 1 else ' is'} wrong:{lines}")


class Settings(SettingValues):
    """Every setting of one process."""

    @classmethod
    def from_values(cls, values: Mapping[str, str], *, known_faults: Mapping[str, str] | None = None) -> Self:
        """Read the settings from variables by name; an empty variable counts as missing.

        Raises: SettingsError with all faults, those included that reading the values has met already.
        """
        known = {name.upper(): name for name in cls.model_fields}
        given: dict[str, Any] = {
            known[name]: value for name, value in values.items() if name in known and value.strip()
        }
        faults = {**_misspelt(values, known), **(known_faults or {})}
        try:
            settings = cls.model_validate(given)
        except ValidationError as error:
            faults |= _field_faults(error)
            settings = cls.model_validate(_without(given, faults))
        for rule in RULES:
            faults = {name: reason for name, reason in rule(settings) if name not in faults} | faults
        if faults:
            raise SettingsError({name: reason for name, reason in faults.items() if f"{name}_FILE" not in faults})
        return settings


def _misspelt(values: Mapping[str, str], known: Mapping[str, str]) -> dict[str, str]:
    faults: dict[str, str] = {}
    for name in values:
        if name.startswith(OWN_PREFIXES) and name.removesuffix("_FILE") not in known:
            near = difflib.get_close_matches(name, known, n=1)
            faults[name] = f"is no setting{f'; did you mean {near[0]}?' if near else ''}"
    return faults


def _field_faults(error: ValidationError) -> dict[str, str]:
    faults: dict[str, str] = {}
    for each in error.errors(include_input=False, include_url=False, include_context=False):
        name = str(each["loc"][0]).upper()
        faults.setdefault(name, _sentence(each["type"], each["msg"]))
    return faults


def _sentence(kind: str, message: str) -> str:
    if kind == "missing":
        return "is missing"
    return message.removeprefix("Value error, ").replace("Input should", "should").replace("String should", "should")


def _without(given: Mapping[str, Any], faults: Mapping[str, str]) -> dict[str, Any]:
    """Return values that validate, so that the rules between settings can still be asked about the rest."""
    kept = {name: value for name, value in given.items() if name.upper() not in faults}
    for name, field in SettingValues.model_fields.items():
        if name.upper() in faults and field.is_required():
            assert field.examples, f"{name} is required and has no example"
            kept[name] = field.examples[0]
    return kept
