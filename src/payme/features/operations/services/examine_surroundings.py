"""What the doctor says of the settings and of this machine: M-Pesa's rules, Redis, room on the disk. No secret is repeated."""

import shutil
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.exceptions import RedisError

from payme.features.operations.schemas import Diagnosis, bad, good, look
from payme.integrations.daraja import callback_url_faults
from payme.runtime.settings import Environment, MpesaEnvironment, Settings, SettingsError
from payme.runtime.settings.groups import (
    DEVELOPMENT_BLIND_INDEX_KEY,
    DEVELOPMENT_ENCRYPTION_KEY,
    DEVELOPMENT_JWT_SECRET,
)

_REDIS_SECONDS: Final = 2
_GIGABYTE: Final = 1_000_000_000
_LEAST_FREE: Final = _GIGABYTE
_FREE_WARNING_PERCENT: Final = 10


def examine_faults(error: SettingsError) -> list[Diagnosis]:
    """Return a line for each setting that is wrong or missing."""
    step = "Set it in the environment, in the file that its _FILE variable names, or in .env; see docs/reference/settings.md."
    return [bad(name, f"{reason}.", step) for name, reason in error.faults.items()]


def examine_settings(settings: Settings) -> list[Diagnosis]:
    """Return what can be said of settings that are valid."""
    about = [
        _environment(settings),
        _keys(settings),
        _callback_url(settings),
        _credentials(settings),
        _reports(settings),
    ]
    return [*about, *_odd(settings)]


async def examine_redis(settings: Settings) -> Diagnosis:
    """Say whether Redis answers, where there is one."""
    if settings.redis_url is None:
        return good("Redis", "not used; limits count in each process, which is right for one.")
    client: Any = Redis.from_url(  # pyright: ignore[reportUnknownMemberType] -- the library leaves its options untyped
        settings.redis_url.get_secret_value(), socket_timeout=_REDIS_SECONDS, socket_connect_timeout=_REDIS_SECONDS
    )
    try:
        await client.ping()
    except (RedisError, OSError) as error:
        found = f"does not answer ({type(error).__name__}); each process counts limits by itself."
        return look("Redis", found, "Start it, or correct REDIS_URL.")
    finally:
        await client.aclose()
    return good("Redis", "answers.")


def examine_disk(folder: Path, subject: str = "Disk") -> Diagnosis:
    """Say how much room there is on the disk of a folder."""
    usage = shutil.disk_usage(folder)
    percent = usage.free * 100 // usage.total
    found = f"{usage.free // _GIGABYTE} GB free here ({percent} %)."
    if usage.free < _LEAST_FREE:
        return bad(subject, found, "Make room now: without it PostgreSQL stops taking sales.")
    if percent < _FREE_WARNING_PERCENT:
        return look(subject, found, "Make room before it is needed; the database's own server has a disk as well.")
    return good(subject, found)


def _environment(settings: Settings) -> Diagnosis:
    found = f"APP_ENV is {settings.app_env}; M-Pesa is {settings.mpesa_environment}"
    if settings.mpesa_base_url:
        return good("Settings", f"{found}, at {urlsplit(settings.mpesa_base_url).hostname}.")
    if settings.app_env is Environment.STAGING and settings.mpesa_environment is MpesaEnvironment.PRODUCTION:
        return look("Settings", f"{found}.", "Staging moves real money like this; MPESA_ENVIRONMENT=sandbox does not.")
    return good("Settings", f"{found}.")


def _keys(settings: Settings) -> Diagnosis:
    published = [
        name
        for name, value in (
            ("JWT_SECRET", DEVELOPMENT_JWT_SECRET),
            ("ENCRYPTION_KEY", DEVELOPMENT_ENCRYPTION_KEY),
            ("BLIND_INDEX_KEY", DEVELOPMENT_BLIND_INDEX_KEY),
        )
        if getattr(settings, name.lower()).get_secret_value() == value
    ]
    if published:
        found = f"{', '.join(published)}: published values for development; staging and production refuse them."
        return look("Keys", found, "openssl rand -hex 32 for each, before anything real is stored.")
    if settings.jwt_secret_previous is not None:
        step = f"Drop JWT_SECRET_PREVIOUS once {settings.refresh_token_seconds // 86_400} days have passed since the change."
        return look("Keys", "a former JWT_SECRET still verifies.", step)
    return good("Keys", "of its own, each long enough.")


def _reports(settings: Settings) -> Diagnosis:
    if settings.sentry_dsn is not None:
        traces, _ = settings.report_sample_rates()
        return good(
            "Error reports",
            f"go to {urlsplit(settings.sentry_dsn.get_secret_value()).hostname}; {traces:.0%} of the work is timed.",
        )
    if settings.app_env is Environment.PRODUCTION:
        return look("Error reports", "go nowhere; unexpected errors stand in the log alone.", "Set SENTRY_DSN.")
    return good("Error reports", "off; unexpected errors stand in the log.")


def _odd(settings: Settings) -> list[Diagnosis]:
    lines: list[Diagnosis] = []
    if settings.maintenance != "off":
        lines.append(
            look("Maintenance", f"MAINTENANCE is {settings.maintenance}.", "Set it to off when the work is done.")
        )
    if settings.app_env is Environment.PRODUCTION and settings.log_level == "debug":
        lines.append(look("Log level", "debug, in production.", "LOG_LEVEL=info"))
    return lines


def _callback_url(settings: Settings) -> Diagnosis:
    url = settings.callback_base_url()
    if url is None:
        found = "no address is set; Safaricom could reach this machine only from itself."
        return look(
            "Callback address", found, "Set MPESA_CALLBACK_BASE_URL or PUBLIC_BASE_URL, unless this is a simulation."
        )
    live = settings.mpesa_environment is MpesaEnvironment.PRODUCTION
    faults = callback_url_faults(url, production=live)
    if faults:
        name = "MPESA_CALLBACK_BASE_URL" if settings.mpesa_callback_base_url else "PUBLIC_BASE_URL"
        return bad("Callback address", f"Safaricom would refuse it: {'; '.join(faults)}.", f"Correct {name}.")
    return good("Callback address", f"{url} obeys Safaricom's rules.")


def _credentials(settings: Settings) -> Diagnosis:
    if settings.mpesa_consumer_key is None:
        step = "Set MPESA_CONSUMER_KEY, MPESA_CONSUMER_SECRET and MPESA_PASSKEY."
        return look("Selling tokens", "the platform has no M-Pesa credentials, so shops cannot buy tokens.", step)
    paybill = f"{settings.mpesa_shortcode} account {settings.mpesa_account}"
    return good("Selling tokens", f"into paybill {paybill}; `payme doctor --probe` asks Safaricom.")
