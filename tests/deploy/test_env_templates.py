"""The templates name every setting and nothing else, refuse to start empty, and start once they are filled in."""

import re
import secrets
from pathlib import Path

import pytest

from payme.runtime.settings import Environment, MpesaEnvironment, Settings, SettingsError

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "env"
COMPOSE_ONLY = {"POSTGRES_PASSWORD"}
LINE = re.compile(r"^(?:# )?([A-Z][A-Z0-9_]*)=(.*)$")
FILLED = {
    "PUBLIC_BASE_URL": "https://pay.example.co.ke",
    "DATABASE_URL": "postgresql://payme_owner:abc@127.0.0.1:5432/payme",
    "MPESA_CONSUMER_KEY": "nQ8vJ2xTq7",
    "MPESA_CONSUMER_SECRET": "pL5kW9zRf3",
    "MPESA_PASSKEY": secrets.token_hex(32),
}
NEEDED = {
    "staging": {"PUBLIC_BASE_URL", "DATABASE_URL", "JWT_SECRET", "ENCRYPTION_KEY", "BLIND_INDEX_KEY"},
    "production": {"PUBLIC_BASE_URL", "DATABASE_URL", "JWT_SECRET", "ENCRYPTION_KEY", "BLIND_INDEX_KEY"}
    | {"MPESA_CONSUMER_KEY", "MPESA_CONSUMER_SECRET", "MPESA_PASSKEY"},
}


def lines(environment: str) -> list[str]:
    return (FOLDER / f"{environment}.env").read_text(encoding="utf-8").splitlines()


def values(environment: str) -> dict[str, str]:
    """Return what is set, as a process would get it."""
    pairs = (line.split("=", 1) for line in lines(environment) if line and not line.startswith("#"))
    return {name: value for name, value in pairs if name not in COMPOSE_ONLY}


@pytest.mark.parametrize("environment", ["development", "staging", "production"])
def test_every_setting_stands_in_the_template_once_and_nothing_else(environment: str):
    named = [match.group(1) for line in lines(environment) if (match := LINE.match(line))]
    assert len(named) == len(set(named))
    assert set(named) == {name.upper() for name in Settings.model_fields} | COMPOSE_ONLY


def test_development_starts_as_it_is_and_calls_the_simulator():
    settings = Settings.from_values(values("development"))
    assert settings.app_env is Environment.DEVELOPMENT
    assert settings.mpesa_base_url == "http://simulator:8900"


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_an_empty_template_is_refused_and_every_gap_is_named(environment: str):
    with pytest.raises(SettingsError) as caught:
        Settings.from_values(values(environment))
    named = {"PUBLIC_BASE_URL" if name == "MPESA_CALLBACK_BASE_URL" else name for name in caught.value.faults}
    assert named == NEEDED[environment]


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_a_template_that_is_filled_in_starts(environment: str):
    given = values(environment)
    for name in NEEDED[environment]:
        given[name] = FILLED.get(name) or secrets.token_hex(32)
    settings = Settings.from_values(given)
    assert settings.app_env == environment
    live = environment == "production"
    assert settings.mpesa_environment is (MpesaEnvironment.PRODUCTION if live else MpesaEnvironment.SANDBOX)


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_a_template_that_strangers_reach_holds_no_secret(environment: str):
    secret = {"JWT_SECRET", "ENCRYPTION_KEY", "BLIND_INDEX_KEY", "MPESA_CONSUMER_SECRET", "MPESA_PASSKEY"}
    given = values(environment)
    assert {name: given[name] for name in secret} == dict.fromkeys(secret, "")
    password = [line for line in lines(environment) if line.startswith("POSTGRES_PASSWORD=")]
    assert password == ["POSTGRES_PASSWORD="]
