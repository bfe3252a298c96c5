"""The port of secret sources, and those on this machine: variables, files named by `*_FILE` variables, and a `.env` file.

Invariant: naming a file that cannot be read is a fault of that variable, never a silent default.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from pydantic import ValidationError
from pydantic_settings import BaseSettings, DotEnvSettingsSource

from payme.runtime.settings import Settings, SettingsError
from payme.runtime.settings.groups import Secrecy

LARGEST_FILE = 64 * 1024


class SecretSource(Protocol):
    """Something that knows the values of some variables."""

    def read(self, names: Sequence[str]) -> Mapping[str, str]:
        """Return the values of those variables that this source knows. Raises: SettingsError."""
        ...


class EnvironmentVariables:
    """The variables of the process."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def read(self, names: Sequence[str]) -> Mapping[str, str]:
        """Return every variable; those that are no setting too, so that misspelt ones are noticed."""
        assert names, "nobody asks for nothing"
        return {name: value for name, value in self._environment.items() if value.strip()}


class EnvironmentFiles:
    """Files that `NAME_FILE` points to, as Docker and Kubernetes mount secrets."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def read(self, names: Sequence[str]) -> Mapping[str, str]:
        """Return the contents of the named files without the newline at their end. Raises: SettingsError."""
        found: dict[str, str] = {}
        faults: dict[str, str] = {}
        for name in names:
            path = self._environment.get(f"{name}_FILE", "").strip()
            if not path:
                continue
            try:
                with Path(path).open(encoding="utf-8") as stream:
                    found[name] = stream.read(LARGEST_FILE).rstrip("\r\n")
            except (OSError, UnicodeDecodeError) as error:
                faults[f"{name}_FILE"] = f"names a file that cannot be read ({type(error).__name__})"
        if faults:
            raise SettingsError(faults)
        return found


class EnvFile:
    """A `.env` file, for development; a missing one is fine."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, names: Sequence[str]) -> Mapping[str, str]:
        """Return the variables of the file; those that are no setting too, so that misspelt ones are noticed."""
        assert names, "nobody asks for nothing"
        source = DotEnvSettingsSource(BaseSettings, env_file=self._path, case_sensitive=True)
        return {name: value for name, value in source.env_vars.items() if value}


class HostingPlatform:
    """What Render and Railway say about the address that they gave us, and about the commit that they built."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def read(self, names: Sequence[str]) -> Mapping[str, str]:
        """Return the public address and the commit, if a platform names them."""
        url = self._environment.get("RENDER_EXTERNAL_URL", "")
        domain = self._environment.get("RAILWAY_PUBLIC_DOMAIN", "")
        commit = self._environment.get("RENDER_GIT_COMMIT", "") or self._environment.get("RAILWAY_GIT_COMMIT_SHA", "")
        found = {"PUBLIC_BASE_URL": url or (f"https://{domain}" if domain else ""), "RELEASE": commit}
        return {name: value for name, value in found.items() if value and name in names}


def gather(sources: Sequence[SecretSource]) -> tuple[dict[str, str], dict[str, str]]:
    """Ask all sources for all settings, an earlier source wins; return the values, and the faults met on the way."""
    names = [name.upper() for name in Settings.model_fields]
    values: dict[str, str] = {}
    faults: dict[str, str] = {}
    for source in reversed(sources):
        try:
            values.update(source.read(names))
        except SettingsError as error:
            faults.update(error.faults)
    return values, faults


def load_settings(environment: Mapping[str, str] | None = None, *, env_file: Path | None = Path(".env")) -> Settings:
    """Read the settings of this process: variables, the files they name, `.env`, AWS Secrets Manager, the platform's word.

    An earlier source outranks a later one. Only entrypoints and the refresh of keys call it. Raises: SettingsError with all faults.
    """
    variables = os.environ if environment is None else environment
    sources: list[SecretSource] = [EnvironmentVariables(variables), EnvironmentFiles(variables)]
    if env_file is not None:
        sources.append(EnvFile(env_file))
    values, faults = gather([*sources, *_managed(sources), HostingPlatform(variables)])
    return Settings.from_values(values, known_faults=faults)


def _managed(sources: Sequence[SecretSource]) -> list[SecretSource]:
    """Return AWS Secrets Manager where the sources on this machine name a secret in it."""
    here, _ = gather(sources)
    where = {name: text for name, text in here.items() if name.startswith("SECRETS_AWS_") and text.strip()}
    if "SECRETS_AWS_ID" not in where:
        return []
    try:
        settings = Secrecy.model_validate({name.lower(): text for name, text in where.items()})
    except ValidationError:
        # Whoever reads the settings as a whole says what is wrong with them.
        return []
    from payme.runtime.secrets.aws import AwsSecretsManager  # noqa: PLC0415 -- slow to load, and most never need it

    return [AwsSecretsManager(settings)]
