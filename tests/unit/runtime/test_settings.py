"""Settings: all faults at once, in words, without a secret in them; and the generated pages are up to date."""

import ast
from pathlib import Path

import pytest

from payme.runtime.secrets import load_settings
from payme.runtime.settings import GROUPS, Settings, SettingsError
from tools import generate_env_example, generate_settings_reference

ROOT = Path(__file__).parents[3]
SOURCE, ENV_EXAMPLE, REFERENCE = ROOT / "src", ROOT / ".env.example", ROOT / "docs" / "reference" / "settings.md"
MINIMUM = {"DATABASE_URL": "postgresql://owner:pa55-hidden@db/payme"}
PRODUCTION = {
    **MINIMUM,
    "APP_ENV": "production",
    "JWT_SECRET": "Zq8-wLr2_Vt6yPn4sKd9xHb1mGc5jFa7",
    "ENCRYPTION_KEY": "0123456789abcdef" * 4,
    "BLIND_INDEX_KEY": "fedcba9876543210" * 4,
    "MPESA_ENVIRONMENT": "production",
    "MPESA_CONSUMER_KEY": "qW3eRt6YuIoP",
    "MPESA_CONSUMER_SECRET": "aS4dFg7HjKlZ",
    "MPESA_PASSKEY": "zX5cVb8NmQwE",
    "PUBLIC_BASE_URL": "https://pay.example.co.ke",
}


def read(**variables: str) -> Settings:
    return load_settings({**MINIMUM, **variables}, env_file=None)


def faults_of(values: dict[str, str]) -> dict[str, str]:
    with pytest.raises(SettingsError) as caught:
        load_settings(values, env_file=None)
    return caught.value.faults


def test_the_database_is_the_only_setting_that_must_be_given() -> None:
    settings = read()
    assert (settings.port, settings.tokens_welcome, settings.tokens_offline_overdraft) == (3000, 30, 200)
    assert (settings.mpesa_shortcode, settings.mpesa_account) == ("650880", "37605544")
    assert len(settings.mpesa_callback_sources) == 12
    assert faults_of({}) == {"DATABASE_URL": "is missing"}


def test_all_faults_are_reported_at_once_in_words_and_without_the_values() -> None:
    values = {
        "APP_ENV": "production",
        "PORT": "hidden-1",
        "DATABASE_URL": "mysql://root:hidden-2@db/x",
        "DATABASE_POOL_SIZE": "33",
        "JWT_SECRET": "hidden-3",
        "ENCRYPTION_KEY": "hidden-4",
        "BLIND_INDEX_KEY": "hidden-5",
        "ENCRYPTION_KEYS_PREVIOUS": "k0:hidden-6",
        "MPESA_PASKEY": "hidden-7",
        "REDIS_URL": "http://hidden-8",
        "CORS_ORIGINS": "http://shop.example",
        "RATE_LIMIT_ANONYMOUS": "many",
        "MPESA_QUERY_SCHEDULE_SECONDS": "30,20",
        "LOG_LEVEL": "loud",
        "TRUSTED_PROXIES": "hidden-9",
        "METRICS_TOKEN_FILE": "/hidden/10",
    }
    with pytest.raises(SettingsError) as caught:
        load_settings(values, env_file=None)
    expected = set(values) - {"APP_ENV", "METRICS_TOKEN_FILE"} | {
        "METRICS_TOKEN_FILE",
        "MPESA_ENVIRONMENT",
        "MPESA_CALLBACK_BASE_URL",
    }
    assert expected <= set(caught.value.faults)
    assert "hidden" not in str(caught.value)
    assert caught.value.__context__ is None or "hidden" not in repr(caught.value.__context__)
    assert caught.value.faults["MPESA_PASKEY"] == "is no setting; did you mean MPESA_PASSKEY?"


def test_secrets_are_not_shown() -> None:
    settings = load_settings(PRODUCTION, env_file=None)
    shown = repr(settings) + str(settings) + str(settings.model_dump()) + settings.model_dump_json()
    secret_names = (
        "JWT_SECRET",
        "ENCRYPTION_KEY",
        "BLIND_INDEX_KEY",
        "MPESA_CONSUMER_KEY",
        "MPESA_CONSUMER_SECRET",
        "MPESA_PASSKEY",
    )
    assert not [name for name in secret_names if PRODUCTION[name] in shown]
    assert "pa55-hidden" not in shown


def test_production_starts_with_real_values() -> None:
    assert load_settings(PRODUCTION, env_file=None).callback_base_url() == "https://pay.example.co.ke"


@pytest.mark.parametrize(
    ("change", "variable"),
    [
        ({"JWT_SECRET": ""}, "JWT_SECRET"),
        ({"JWT_SECRET": "change-me-change-me-change-me-change-me"}, "JWT_SECRET"),
        ({"JWT_SECRET": "a" * 40}, "JWT_SECRET"),
        ({"ENCRYPTION_KEY": ""}, "ENCRYPTION_KEY"),
        ({"ENCRYPTION_KEY": "0" * 64}, "ENCRYPTION_KEY"),
        ({"BLIND_INDEX_KEY": ""}, "BLIND_INDEX_KEY"),
        ({"BLIND_INDEX_KEY": PRODUCTION["ENCRYPTION_KEY"]}, "BLIND_INDEX_KEY"),
        ({"JWT_SECRET_PREVIOUS": PRODUCTION["JWT_SECRET"]}, "JWT_SECRET_PREVIOUS"),
        ({"ENCRYPTION_KEYS_PREVIOUS": "k1:" + "0123456789abcdef" * 4}, "ENCRYPTION_KEYS_PREVIOUS"),
        ({"MPESA_ENVIRONMENT": "sandbox"}, "MPESA_ENVIRONMENT"),
        ({"MPESA_BASE_URL": "http://127.0.0.1:8900"}, "MPESA_BASE_URL"),
        ({"MPESA_BASE_URL": "https://sandbox.safaricom.co.ke"}, "MPESA_BASE_URL"),
        ({"MPESA_SHORTCODE": "174379"}, "MPESA_SHORTCODE"),
        ({"MPESA_PASSKEY": "bfb279f9aa9bdbcf158e97dd71a467cd2e0c893059b10f78e6b72ada1ed2c919"}, "MPESA_PASSKEY"),
        ({"MPESA_PASSKEY": ""}, "MPESA_PASSKEY"),
        ({"MPESA_CONSUMER_KEY": "change-me"}, "MPESA_CONSUMER_KEY"),
        ({"MPESA_CALLBACK_BASE_URL": "http://pay.example.co.ke"}, "MPESA_CALLBACK_BASE_URL"),
        ({"MPESA_CALLBACK_BASE_URL": "https://pay.example.co.ke/MPesa"}, "MPESA_CALLBACK_BASE_URL"),
        ({"MPESA_CALLBACK_BASE_URL": "https://executive.example.co.ke"}, "MPESA_CALLBACK_BASE_URL"),
        ({"MPESA_CALLBACK_BASE_URL": "https://x.ngrok.io"}, "MPESA_CALLBACK_BASE_URL"),
        ({"PUBLIC_BASE_URL": ""}, "MPESA_CALLBACK_BASE_URL"),
        ({"PUBLIC_BASE_URL": "http://pay.example.co.ke"}, "PUBLIC_BASE_URL"),
        ({"FAULT_POINT": "reply_before_commit"}, "FAULT_POINT"),
    ],
)
def test_production_refuses_what_development_tolerates(change: dict[str, str], variable: str) -> None:
    assert set(faults_of({**PRODUCTION, **change})) == {variable}


def test_development_does_not_move_real_money_by_accident() -> None:
    credentials = {name: value for name, value in PRODUCTION.items() if name.startswith("MPESA_")}
    assert set(faults_of({**MINIMUM, **credentials})) == {"MPESA_ENVIRONMENT"}
    assert read(**credentials, MPESA_BASE_URL="http://127.0.0.1:8900").mpesa_base_url == "http://127.0.0.1:8900"


@pytest.mark.parametrize("environment", ["development", "staging", "production"])
def test_no_process_kills_itself_outside_tests(environment: str) -> None:
    values = {**PRODUCTION, "MPESA_BASE_URL": "", "APP_ENV": environment, "FAULT_POINT": "reply_after_commit:3"}
    assert "FAULT_POINT" in faults_of(values)
    assert read(APP_ENV="test", FAULT_POINT="reply_after_commit:3").fault_point == "reply_after_commit:3"
    assert set(faults_of({**MINIMUM, "APP_ENV": "test", "FAULT_POINT": "anywhere"})) == {"FAULT_POINT"}


def test_half_credentials_are_a_fault_everywhere() -> None:
    assert set(faults_of({**MINIMUM, "MPESA_CONSUMER_KEY": "x"})) == {"MPESA_CONSUMER_SECRET", "MPESA_PASSKEY"}


def test_behind_a_pooler_there_is_a_line_past_it() -> None:
    assert set(faults_of({**MINIMUM, "DATABASE_POOLER": "transaction"})) == {"DATABASE_DIRECT_URL"}
    read(DATABASE_POOLER="transaction", DATABASE_DIRECT_URL="postgresql://past-it/x")


def test_values_are_read_as_people_write_them() -> None:
    settings = read(
        DATABASE_URL="postgres://u:p@h/d",
        CORS_ORIGINS=" https://a.example/ ,https://b.example",
        MPESA_QUERY_SCHEDULE_SECONDS="0.1, 0.2,1",
        ENCRYPTION_KEYS_PREVIOUS="k0:" + "ab" * 32 + ", old:" + "cd" * 32,
        LOG_LEVEL="",
    )
    assert settings.database_url.get_secret_value() == "postgresql://u:p@h/d"
    assert settings.direct_database_url() == "postgresql://u:p@h/d"
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert settings.mpesa_query_schedule_seconds == (0.1, 0.2, 1.0)
    assert settings.previous_encryption_keys() == {"k0": "ab" * 32, "old": "cd" * 32}
    assert settings.log_level == "info"


def test_a_secret_may_lie_in_a_file_and_a_variable_wins_over_the_env_file(tmp_path: Path) -> None:
    secret = tmp_path / "jwt"
    secret.write_text("Zq8-wLr2_Vt6yPn4sKd9xHb1mGc5jFa7\n")
    env_file = tmp_path / ".env"
    env_file.write_text("PORT=4000\nHOST=0.0.0.0\nDATABASE_URL=postgresql://from-file/x\n")
    settings = load_settings({**MINIMUM, "JWT_SECRET_FILE": str(secret), "PORT": "5000"}, env_file=env_file)
    assert settings.jwt_secret.get_secret_value() == "Zq8-wLr2_Vt6yPn4sKd9xHb1mGc5jFa7"
    assert (settings.port, settings.host) == (5000, "0.0.0.0")  # noqa: S104 -- a value, nothing listens
    assert settings.database_url.get_secret_value() == MINIMUM["DATABASE_URL"]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"RENDER_EXTERNAL_URL": "https://x.onrender.com"}, "https://x.onrender.com"),
        ({"RAILWAY_PUBLIC_DOMAIN": "x.up.railway.app"}, "https://x.up.railway.app"),
        (
            {"RENDER_EXTERNAL_URL": "https://x.onrender.com", "PUBLIC_BASE_URL": "https://own.example"},
            "https://own.example",
        ),
    ],
)
def test_the_hosting_platform_may_say_the_public_address(variables: dict[str, str], expected: str) -> None:
    assert read(**variables).public_base_url == expected


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        read().port = 1  # pyright: ignore[reportAttributeAccessIssue] -- that is the point


def test_every_setting_is_described_and_has_a_default_or_an_example() -> None:
    for group in GROUPS:
        for name, field in group.model_fields.items():
            assert field.description, name
            assert field.description.endswith("."), name
            assert not field.is_required() or field.examples, name


def test_the_generated_pages_are_up_to_date() -> None:
    assert ENV_EXAMPLE.read_text() == generate_env_example.render(), "run make docs"
    assert REFERENCE.read_text() == generate_settings_reference.render(), "run make docs"


def test_the_example_file_is_valid_as_it_stands() -> None:
    assert load_settings({}, env_file=ENV_EXAMPLE).port == 3000


def test_nothing_else_reads_the_environment() -> None:
    readers: set[str] = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}:
                readers.add(path.relative_to(SOURCE / "payme").as_posix())
    readers = {reader for reader in readers if not reader.startswith("entrypoints/")}  # they start other processes
    # The embedded server passes the environment on to programs that it starts, and looks for a cache folder.
    assert readers == {
        "runtime/secrets/sources.py",
        "runtime/database/embedded/account.py",
        "runtime/database/embedded/binaries.py",
    }
