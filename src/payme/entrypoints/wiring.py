"""From settings to the parts of a process: the tools that services ask for, the edge's options, the M-Pesa client."""

from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from typing import Any

import structlog

from payme.features.credit import CreditDesk
from payme.features.identity import GateOptions, Identity, IdentityOptions, LoginGate
from payme.features.payments import Certificate, DarajaAccess, Desk, MpesaRules, PlatformAccount
from payme.features.sales import SalesDesk
from payme.features.sync import Pressure
from payme.features.tokens import TokenPolicy, TopUpDesk
from payme.integrations.arcjet import ArcjetShield
from payme.integrations.daraja import Breaker, BreakerRules, ClientOptions, Timeouts, open_http_client
from payme.runtime.database import Database, PoolLimits
from payme.runtime.database.replies import ReplyKeeping
from payme.runtime.http import HttpOptions, Shield
from payme.runtime.observability import (
    PoolFigures,
    ReportOptions,
    announce_build,
    configure_logging,
    start_reports,
    watch_pool,
)
from payme.runtime.security import BlindIndex, CsrfTokens, FieldCipher, Keyring, PasswordHasher, TokenSigner, derive_key
from payme.runtime.settings import Environment, MpesaEnvironment, Settings

VERSION = version("payme")
_log = structlog.get_logger("payme.database")
_DARAJA = {
    MpesaEnvironment.SANDBOX: "https://sandbox.safaricom.co.ke",
    MpesaEnvironment.PRODUCTION: "https://api.safaricom.co.ke",
}
_CONNECT_SECONDS = 5.0
_MINUTE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class WorkerServices:
    """What job handlers need besides the database."""

    daraja: DarajaAccess


def tools_of(settings: Settings) -> dict[type[Any], Any]:
    """Return the tools of every feature, by type."""
    cipher = cipher_of(settings)
    return {
        FieldCipher: cipher,
        BlindIndex: index_of(settings),
        Identity: _identity(settings, cipher),
        TokenPolicy: TokenPolicy(settings.tokens_welcome, settings.tokens_offline_overdraft),
        MpesaRules: MpesaRules(
            environment=settings.mpesa_environment,
            verify_above_cents=settings.verify_above_cents,
            grace=timedelta(seconds=settings.mpesa_prompt_seconds),
            check_at=tuple(timedelta(seconds=each) for each in settings.mpesa_query_schedule_seconds),
            query_every=timedelta(
                seconds=max(settings.mpesa_query_gap_seconds, _MINUTE_SECONDS / settings.mpesa_queries_per_minute)
            ),
            callback_sources=settings.mpesa_callback_sources,
        ),
        PlatformAccount: _platform(settings),
        Desk: Desk((SalesDesk(), CreditDesk()), TopUpDesk()),
        Pressure: Pressure(),
        Certificate: Certificate(settings.mpesa_certificate.encode() if settings.mpesa_certificate else None),
        ReplyKeeping: ReplyKeeping(timedelta(hours=settings.idempotency_keep_hours)),
    }


def observe(settings: Settings, database: Database, name: str) -> None:
    """Write logs as the settings say, and show the build and the pool among the metrics."""
    begin_telling(settings)
    watch_pool(name, lambda: figures_of(database))


def begin_telling(settings: Settings) -> None:
    """Write logs, name the build and report errors, as the settings say; the first thing that a process does."""
    configure_logging(settings.log_level)
    announce_build(VERSION, settings.app_env, settings.release)
    if settings.sentry_dsn is not None:
        traces, profiles = settings.report_sample_rates()
        start_reports(
            ReportOptions(settings.sentry_dsn.get_secret_value(), settings.app_env, settings.release, traces, profiles)
        )


def tell_role(database: Database) -> None:
    """Write down once that an open pool works without its role."""
    if database.works_as_owner:
        _log.warning(
            "database.works_as_owner",
            name=database.role,
            reason="this server keeps its roles from us; see payme doctor",
        )


def figures_of(database: Database) -> PoolFigures:
    """Return how full a pool is; one that is not open is empty."""
    open_now = database.is_open
    return PoolFigures(
        size=database.pool.get_size() if open_now else 0,
        idle=database.pool.get_idle_size() if open_now else 0,
        largest=database.limits.connections,
        retries=database.retries,
    )


def cipher_of(settings: Settings) -> FieldCipher:
    """Return the cipher of fields, with the keys that still decrypt."""
    return FieldCipher(ring_of(settings))


def ring_of(settings: Settings) -> Keyring:
    """Return the key that encrypts fields, and those that still decrypt."""
    return Keyring.from_hex(
        settings.encryption_key_id,
        settings.encryption_key.get_secret_value(),
        previous=settings.previous_encryption_keys(),
    )


def index_of(settings: Settings) -> BlindIndex:
    """Return what encrypted values are found by."""
    return BlindIndex(bytes.fromhex(settings.blind_index_key.get_secret_value()))


def pool_limits(settings: Settings, connections: int) -> PoolLimits:
    """Return how a pool of so many connections behaves."""
    return PoolLimits(
        connections=connections,
        acquire_seconds=settings.database_acquire_seconds,
        lock_seconds=settings.database_lock_seconds,
        statement_seconds=settings.database_statement_seconds,
        attempts=settings.database_attempts,
        share_of_one_business=settings.database_business_share,
        pooled=settings.database_pooler == "transaction",
    )


def http_options(settings: Settings) -> HttpOptions:
    """Return how the edge behaves."""
    secret, previous = signing_secrets(settings)
    public_url = settings.public_base_url or f"http://{settings.host}:{settings.port}"
    prefix = "__Host-" if public_url.startswith("https://") else ""
    return HttpOptions(
        secret=cursor_key(secret),
        secret_previous=cursor_key(previous) if previous else None,
        fingerprint_key=derive_key(bytes.fromhex(settings.blind_index_key.get_secret_value()), "fingerprints"),
        version=VERSION,
        release=settings.release,
        environment=settings.app_env,
        public_url=public_url,
        allowed_origins=tuple(settings.cors_origins),
        trusted_proxies=tuple(str(each) for each in settings.trusted_proxies),
        redis_url=_redis(settings),
        budgets={
            "principal": settings.rate_limit_principal,
            "anonymous": settings.rate_limit_anonymous,
            "callbacks": settings.rate_limit_callbacks,
            "sign_in": settings.rate_limit_sign_in,
            "prompts": settings.rate_limit_prompts,
        },
        session_cookie=f"{prefix}payme_session",
        csrf_cookie=f"{prefix}payme_csrf",
        still_running_seconds=settings.idempotency_wait_seconds,
        answer_seconds=settings.answer_seconds,
        maintenance=settings.maintenance,
        stream_seconds=settings.stream_seconds,
        notify_dsn=settings.direct_database_url(),
        metrics_token=settings.metrics_token.get_secret_value() if settings.metrics_token else None,
        shield=_shield(settings),
    )


def daraja_of(settings: Settings) -> DarajaAccess:
    """Return the access to M-Pesa; the world is an explicit setting, never guessed."""
    shortest = min(settings.mpesa_oauth_seconds, settings.mpesa_push_seconds, settings.mpesa_query_seconds)
    timeouts = Timeouts(
        # Connecting gives up first, so that nothing was sent is known and not in doubt.
        connect_seconds=min(_CONNECT_SECONDS, shortest / 2),
        oauth_seconds=settings.mpesa_oauth_seconds,
        push_seconds=settings.mpesa_push_seconds,
        query_seconds=settings.mpesa_query_seconds,
    )
    is_production = settings.mpesa_environment is MpesaEnvironment.PRODUCTION
    return DarajaAccess(
        http=open_http_client(),
        base_url=settings.mpesa_base_url or _DARAJA[settings.mpesa_environment],
        callback_base_url=settings.callback_base_url() or f"http://{settings.host}:{settings.port}",
        options=ClientOptions(
            is_production=is_production,
            timeouts=timeouts,
            breaker=Breaker(BreakerRules(settings.mpesa_breaker_failures, settings.mpesa_breaker_seconds)),
        ),
        cipher=cipher_of(settings),
    )


def csrf_of(settings: Settings) -> CsrfTokens:
    """Return the guard of cookie sessions."""
    return CsrfTokens(*signing_secrets(settings))


def signing_secrets(settings: Settings) -> tuple[str, str | None]:
    """Return the secret that signs, and the one beside it that is still believed."""
    previous = settings.jwt_secret_previous
    return settings.jwt_secret.get_secret_value(), previous.get_secret_value() if previous else None


def _shield(settings: Settings) -> Shield | None:
    if settings.arcjet_key is None:
        return None
    key = settings.arcjet_key.get_secret_value()
    return ArcjetShield(key, settings.arcjet_base_url, seconds=settings.arcjet_seconds).denies


def cursor_key(secret: str) -> bytes:
    """Return what signs the cursors of lists."""
    return derive_key(secret.encode(), "cursors")


def _identity(settings: Settings, cipher: FieldCipher) -> Identity:
    secret, previous = signing_secrets(settings)
    return Identity(
        passwords=PasswordHasher(memory_kib=settings.password_memory_kib, iterations=settings.password_iterations),
        tokens=TokenSigner(secret, previous, issuer=settings.jwt_issuer),
        csrf=csrf_of(settings),
        cipher=cipher,
        index=index_of(settings),
        gate=_gate(settings),
        options=IdentityOptions(
            access_life=timedelta(seconds=settings.access_token_seconds),
            session_life=timedelta(seconds=settings.refresh_token_seconds),
            refresh_grace=timedelta(seconds=settings.refresh_grace_seconds),
            cache_life=timedelta(seconds=settings.revocation_cache_seconds),
            key_mode="live" if settings.app_env is Environment.PRODUCTION else "test",
        ),
    )


def _gate(settings: Settings) -> LoginGate:
    options = GateOptions(
        failures=settings.login_failures,
        failures_per_address=settings.login_failures_per_address,
        window_seconds=int(settings.login_window_seconds),
    )
    redis_url = _redis(settings)
    return LoginGate.shared(options, redis_url) if redis_url else LoginGate(options)


def _platform(settings: Settings) -> PlatformAccount:
    def shown(secret: Any) -> str:
        return secret.get_secret_value() if secret else ""

    return PlatformAccount(
        shortcode=settings.mpesa_shortcode,
        account_reference=settings.mpesa_account,
        passkey=shown(settings.mpesa_passkey),
        consumer_key=shown(settings.mpesa_consumer_key),
        consumer_secret=shown(settings.mpesa_consumer_secret),
        is_told=settings.tokens_by_hand,
        pull_number=settings.mpesa_pull_number or "",
    )


def _redis(settings: Settings) -> str | None:
    return settings.redis_url.get_secret_value() if settings.redis_url else None
