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
    return [_environment(settings), _callback_url(settings), _credentials(settings)]


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


def examine_disk(folder: Path) -> Diagnosis:
    """Say how much room there is where this command runs."""
    usage = shutil.disk_usage(folder)
    percent = usage.free * 100 // usage.total
    found = f"{usage.free // _GIGABYTE} GB free here ({percent} %)."
    if usage.free < _LEAST_FREE:
        return bad("Disk", found, "Make room now: without it PostgreSQL stops taking sales.")
    if percent < _FREE_WARNING_PERCENT:
        return look("Disk", found, "Make room before it is needed; the database's own server has a disk as well.")
    return good("Disk", found)


def _environment(settings: Settings) -> Diagnosis:
    found = f"APP_ENV is {settings.app_env}; M-Pesa is {settings.mpesa_environment}"
    if settings.mpesa_base_url:
        return good("Settings", f"{found}, at {urlsplit(settings.mpesa_base_url).hostname}.")
    if settings.app_env is Environment.STAGING and settings.mpesa_environment is MpesaEnvironment.PRODUCTION:
        return look("Settings", f"{found}.", "Staging moves real money like this; MPESA_ENVIRONMENT=sandbox does not.")
    return good("Settings", f"{found}.")


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
