"""Rules between settings: what production refuses, and what does not fit together.

Each rule yields (variable, sentence) pairs. Invariant: a sentence never contains the value of a secret.
"""

import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from pydantic import SecretStr

from payme.runtime.settings.groups import (
    DEVELOPMENT_BLIND_INDEX_KEY,
    DEVELOPMENT_ENCRYPTION_KEY,
    DEVELOPMENT_JWT_SECRET,
    Environment,
)
from payme.runtime.settings.model import SettingValues
from payme.runtime.settings.mpesa import MpesaEnvironment

Fault = tuple[str, str]
RATE = re.compile(r"[1-9]\d*/(second|minute|hour|day)")
# Source: Daraja refuses callback URLs with these words, in any case.
FORBIDDEN_WORDS = ("m-pesa", "mpesa", "safaricom", "exe", "exec", "cmd", "sql", "query")
TUNNELS = ("ngrok", "mockbin", "requestbin")
WORTHLESS_BEGINNINGS = ("change-me", "changeme", "secret", "password", "example", "demo", "development")
# Published by Safaricom for everybody.
SANDBOX_SHORTCODE = "174379"
SANDBOX_PASSKEY_START = "bfb279f9aa9bdbcf"
# Stands in `.env.example`; nobody here has its private key.
EXAMPLE_RECIPIENT = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"


def hardened(settings: SettingValues) -> bool:
    """Tell whether this is an environment that strangers reach."""
    return settings.app_env in {Environment.STAGING, Environment.PRODUCTION}


def _real_secrets(settings: SettingValues) -> Iterator[Fault]:
    if not hardened(settings):
        return
    for name, published in (
        ("JWT_SECRET", DEVELOPMENT_JWT_SECRET),
        ("ENCRYPTION_KEY", DEVELOPMENT_ENCRYPTION_KEY),
        ("BLIND_INDEX_KEY", DEVELOPMENT_BLIND_INDEX_KEY),
    ):
        value: SecretStr = getattr(settings, name.lower())
        if value.get_secret_value() == published or _worthless(value.get_secret_value()):
            yield name, f"is missing or the development value; {settings.app_env} needs one of its own"
    for name in (
        "MPESA_CONSUMER_KEY",
        "MPESA_CONSUMER_SECRET",
        "MPESA_PASSKEY",
        "METRICS_TOKEN",
        "ARCJET_KEY",
        "JWT_SECRET_PREVIOUS",
        "BACKUP_S3_SECRET_KEY",
    ):
        optional: SecretStr | None = getattr(settings, name.lower())
        if optional is not None and _worthless(optional.get_secret_value()):
            yield name, f"is a demo value; {settings.app_env} needs the real one"


def _worthless(value: str) -> bool:
    return len(set(value.lower())) < 6 or any(value.lower().startswith(word) for word in WORTHLESS_BEGINNINGS)


def _distinct_keys(settings: SettingValues) -> Iterator[Fault]:
    if settings.blind_index_key.get_secret_value().lower() == settings.encryption_key.get_secret_value().lower():
        yield "BLIND_INDEX_KEY", "must differ from ENCRYPTION_KEY"
    previous = settings.jwt_secret_previous
    if previous and previous.get_secret_value() == settings.jwt_secret.get_secret_value():
        yield "JWT_SECRET_PREVIOUS", "must differ from JWT_SECRET"
    if settings.encryption_key_id in settings.previous_encryption_keys():
        yield (
            "ENCRYPTION_KEYS_PREVIOUS",
            f"uses the id {settings.encryption_key_id} of the present key; give the new key a new id",
        )


def _one_mpesa_world(settings: SettingValues) -> Iterator[Fault]:
    live = settings.mpesa_environment is MpesaEnvironment.PRODUCTION
    if settings.app_env is Environment.PRODUCTION and not live:
        yield "MPESA_ENVIRONMENT", "must be production when APP_ENV is production: the sandbox moves no money"
    if live and settings.app_env in {Environment.DEVELOPMENT, Environment.TEST} and settings.mpesa_base_url is None:
        yield "MPESA_ENVIRONMENT", f"is production while APP_ENV is {settings.app_env}: this would move real money"
    if hardened(settings) and settings.mpesa_base_url is not None and not _is_safaricom(settings.mpesa_base_url):
        yield "MPESA_BASE_URL", f"points to a simulator; {settings.app_env} calls Safaricom"
    if settings.mpesa_base_url and _is_safaricom(settings.mpesa_base_url):
        sandbox = (urlsplit(settings.mpesa_base_url).hostname or "").startswith("sandbox.")
        if sandbox == live:
            yield "MPESA_BASE_URL", f"belongs to the other world than MPESA_ENVIRONMENT={settings.mpesa_environment}"
    if live:
        if settings.mpesa_shortcode == SANDBOX_SHORTCODE:
            yield "MPESA_SHORTCODE", "is the sandbox's shortcode while MPESA_ENVIRONMENT is production"
        passkey = settings.mpesa_passkey
        if passkey and passkey.get_secret_value().startswith(SANDBOX_PASSKEY_START):
            yield "MPESA_PASSKEY", "is the sandbox's passkey while MPESA_ENVIRONMENT is production"


def _is_safaricom(url: str) -> bool:
    return (urlsplit(url).hostname or "").endswith(".safaricom.co.ke")


def _whole_credentials(settings: SettingValues) -> Iterator[Fault]:
    names = ("MPESA_CONSUMER_KEY", "MPESA_CONSUMER_SECRET", "MPESA_PASSKEY")
    missing = [name for name in names if getattr(settings, name.lower()) is None]
    if missing and (len(missing) < len(names) or settings.app_env is Environment.PRODUCTION):
        for name in missing:
            yield name, "is missing; key, secret and passkey belong together, and production needs them to sell tokens"


def _reachable_callbacks(settings: SettingValues) -> Iterator[Fault]:
    name = "MPESA_CALLBACK_BASE_URL" if settings.mpesa_callback_base_url else "PUBLIC_BASE_URL"
    url = settings.callback_base_url()
    if url is None:
        if hardened(settings):
            yield (
                "MPESA_CALLBACK_BASE_URL",
                "is missing, and so is PUBLIC_BASE_URL: Safaricom could not tell us about payments",
            )
        return
    if hardened(settings) and urlsplit(url).scheme != "https":
        yield name, "must be https: callbacks carry secrets in their path"
    found = [word for word in FORBIDDEN_WORDS if word in url.lower()]
    if found:
        yield name, f"contains {found[0]!r}, which Safaricom refuses in callback URLs"
    tunnel = [word for word in TUNNELS if word in url.lower()]
    if tunnel and settings.mpesa_environment is MpesaEnvironment.PRODUCTION:
        yield name, f"uses {tunnel[0]}, which Safaricom refuses in production"


def _open_edges(settings: SettingValues) -> Iterator[Fault]:
    if not hardened(settings):
        return
    for name, urls in (("CORS_ORIGINS", settings.cors_origins), ("PUBLIC_BASE_URL", (settings.public_base_url,))):
        if any(url and urlsplit(url).scheme != "https" for url in urls):
            yield name, f"must be https in {settings.app_env}"


def _fault_points(settings: SettingValues) -> Iterator[Fault]:
    if settings.fault_point is not None and settings.app_env is not Environment.TEST:
        yield "FAULT_POINT", "has the process kill itself, which only APP_ENV=test allows"


def _written_rates(settings: SettingValues) -> Iterator[Fault]:
    for name in (field for field in type(settings).model_fields if field.startswith("rate_limit_")):
        if not RATE.fullmatch(getattr(settings, name)):
            yield name.upper(), "must look like 600/minute (second, minute, hour or day)"


def _line_past_the_pooler(settings: SettingValues) -> Iterator[Fault]:
    if settings.database_pooler == "transaction" and settings.database_direct_url is None:
        yield "DATABASE_DIRECT_URL", "is missing; LISTEN, jobs and migrations do not pass a transaction pooler"


def _times_in_order(settings: SettingValues) -> Iterator[Fault]:
    if settings.mpesa_push_seconds > settings.mpesa_prompt_seconds:
        yield "MPESA_PUSH_SECONDS", "must not be longer than MPESA_PROMPT_SECONDS"
    if settings.refresh_token_seconds <= settings.access_token_seconds:
        yield "REFRESH_TOKEN_SECONDS", "must be longer than ACCESS_TOKEN_SECONDS"


def _whole_backups(settings: SettingValues) -> Iterator[Fault]:
    if settings.backup_store and not settings.backup_recipients and settings.backup_identity is None:
        yield "BACKUP_RECIPIENTS", "is missing: nothing is stored in BACKUP_STORE unless it is encrypted to somebody"
    if EXAMPLE_RECIPIENT in settings.backup_recipients:
        yield "BACKUP_RECIPIENTS", "is the example's key; nobody could ever open those backups"
    if settings.backup_recipients and not settings.backup_store:
        yield "BACKUP_STORE", "is missing, and BACKUP_RECIPIENTS says that there are backups"
    if (settings.backup_s3_access_key is None) != (settings.backup_s3_secret_key is None):
        name = "BACKUP_S3_ACCESS_KEY" if settings.backup_s3_access_key is None else "BACKUP_S3_SECRET_KEY"
        yield name, "is missing; key and secret belong together"
    if hardened(settings) and urlsplit(settings.backup_s3_endpoint or "https:").scheme != "https":
        yield "BACKUP_S3_ENDPOINT", f"must be https in {settings.app_env}"


def _encrypted_secrets(settings: SettingValues) -> Iterator[Fault]:
    if hardened(settings) and urlsplit(settings.secrets_aws_endpoint or "https:").scheme != "https":
        yield "SECRETS_AWS_ENDPOINT", f"must be https in {settings.app_env}"
    if hardened(settings) and urlsplit(settings.arcjet_base_url).scheme != "https":
        yield "ARCJET_BASE_URL", f"must be https in {settings.app_env}"


def _encrypted_reports(settings: SettingValues) -> Iterator[Fault]:
    if hardened(settings) and settings.sentry_dsn and not settings.sentry_dsn.get_secret_value().startswith("https:"):
        yield "SENTRY_DSN", f"must be https in {settings.app_env}"


RULES: tuple[Callable[[SettingValues], Iterator[Fault]], ...] = (
    _real_secrets,
    _distinct_keys,
    _one_mpesa_world,
    _whole_credentials,
    _reachable_callbacks,
    _open_edges,
    _fault_points,
    _written_rates,
    _line_past_the_pooler,
    _times_in_order,
    _whole_backups,
    _encrypted_secrets,
    _encrypted_reports,
)
