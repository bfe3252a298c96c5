"""Every setting but those of M-Pesa (`mpesa`), in groups: type, default, what it means, and an example.

A field's name in capitals is the variable's name. Not here: rules between settings (`rules`) and reading (`reading`).
Invariant: a field has a description, and an example unless its default is one; a secret is a `SecretStr`.
"""

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from payme.runtime import fault_points
from payme.runtime.settings.kinds import (
    HexKey,
    HttpUrl,
    KeyId,
    KeysById,
    LongSecret,
    Networks,
    Origins,
    PostgresUrl,
    Recipients,
    RedisUrl,
    ReportUrl,
    StoreUrl,
)

# Known to everybody who can read this file, and refused outside development and tests.
DEVELOPMENT_JWT_SECRET = "development-only-secret-of-no-worth"
DEVELOPMENT_ENCRYPTION_KEY = "de" * 32
DEVELOPMENT_BLIND_INDEX_KEY = "b1" * 32


class Environment(StrEnum):
    """Where this process runs; staging and production refuse what development tolerates."""

    DEVELOPMENT = "development"
    TEST = "test"
    STAGING = "staging"
    PRODUCTION = "production"


class LogLevel(StrEnum):
    """The least serious message that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Group(BaseModel):
    """What all groups share: unchangeable, nothing extra, and faults that do not repeat the value."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Process(Group):
    """The process and its edge."""

    app_env: Environment = Field(
        Environment.DEVELOPMENT, description="Where this process runs: development, test, staging or production."
    )
    host: str = Field("127.0.0.1", description="Address that the API listens on; 0.0.0.0 inside a container.")
    port: int = Field(3000, ge=1, le=65535, description="Port that the API listens on.")
    sim_port: int = Field(8900, ge=1, le=65535, description="Port of the simulator in the demo.")
    public_base_url: HttpUrl | None = Field(
        None, description="How people reach this deployment from outside.", examples=["https://pay.example.co.ke"]
    )
    cors_origins: Origins = Field(
        (), description="Web origins besides our own that may call the API.", examples=["https://shop.example.co.ke"]
    )
    trusted_proxies: Networks = Field(
        (), description="Networks whose X-Forwarded-For is believed; of nobody else.", examples=["10.0.0.0/8"]
    )
    answer_seconds: float = Field(
        5,
        gt=0,
        description="Longest time until a sale or another change with an Idempotency-Key is answered, if only by 503.",
    )
    stream_seconds: float = Field(
        600, gt=0, description="Longest life of one event stream; the browser connects again."
    )
    maintenance: Literal["off", "warn", "read_only", "drain"] = Field(
        "off",
        description="What the API still does: off (everything), warn (says so in a header), read_only, drain (nothing new).",
    )
    fault_point: str | None = Field(
        None,
        pattern=fault_points.PATTERN,
        description="Place at which the process kills itself, for tests of power cuts; refused unless APP_ENV is test.",
        examples=["reply_before_commit:7"],
    )


class Observability(Group):
    """Logs, metrics and error reports."""

    log_level: LogLevel = Field(
        LogLevel.INFO, description="Least serious message that is written: debug, info, warning, error."
    )
    metrics_token: SecretStr | None = Field(
        None,
        description="Bearer token that /metrics asks for; without it only private addresses may read.",
        examples=["change-me"],
    )
    release: str = Field(
        "unknown",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$",
        description="Which build this is, a commit or a tag; the image, Render and Railway say it by themselves.",
    )
    sentry_dsn: ReportUrl | None = Field(
        None,
        description="Where unexpected errors are reported, without anything of a person; nowhere unless it is set.",
        examples=["https://key@errors.example.co.ke/1"],
    )
    sentry_traces_sample_rate: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Share of requests and jobs whose timing is reported; 0.1 in production and 0 elsewhere unless it is set.",
        examples=["0.1"],
    )
    sentry_profiles_sample_rate: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Share of those that are profiled; 0.1 in production and 0 elsewhere unless it is set.",
        examples=["0.1"],
    )


class DatabaseGroup(Group):
    """PostgreSQL and Redis."""

    database_url: PostgresUrl = Field(
        description="PostgreSQL 15 or newer, as the owner of the schema.",
        examples=["postgresql://payme_owner:password@127.0.0.1:5432/payme"],
    )
    database_direct_url: PostgresUrl | None = Field(
        None,
        description="The same database without a transaction pooler, for LISTEN and migrations; needed when DATABASE_URL has one.",
        examples=["postgresql://payme_owner:password@127.0.0.1:5432/payme"],
    )
    database_pooler: Literal["none", "transaction"] = Field(
        "none",
        description=(
            "What stands between: none, or transaction for a pooler such as PgBouncer in that mode (1.18 or newer); each"
            " transaction then takes its role anew and no statement is kept prepared."
        ),
    )
    database_pool_size: int = Field(12, ge=8, le=32, description="Connections of one API process.")
    worker_pool_size: int = Field(8, ge=8, le=32, description="Connections of one worker process.")
    database_acquire_seconds: float = Field(5, gt=0, description="How long a request waits for a connection, then 503.")
    database_lock_seconds: float = Field(
        2, gt=0, description="How long a statement waits for a row, then it is tried again."
    )
    database_statement_seconds: float = Field(30, gt=0, description="Longest statement.")
    database_attempts: int = Field(
        3, ge=1, le=10, description="How often a transaction that met a lock or deadlock is run."
    )
    database_business_share: float = Field(
        0.75,
        gt=0,
        le=1,
        description="Share of the pool that one business may hold, so that a busy shop does not stop the others.",
    )
    migration_lock_seconds: float = Field(
        2, gt=0, description="How long a migration waits for a table before it gives way."
    )
    migration_statement_seconds: float = Field(900, gt=0, description="Longest statement of a migration.")
    migration_support_days: int = Field(
        14,
        ge=0,
        le=365,
        description="How long one may go back to a release after its successor migrated; what it needs is not removed before.",
    )
    migration_before_command: str | None = Field(
        None,
        description="Runs before a database in use is migrated; where it fails, nothing is changed. Given to no shell.",
        examples=["payme backup create"],
    )
    redis_url: RedisUrl | None = Field(
        None,
        description="Rate limits and fan-out between machines; without it they work inside one process.",
        examples=["redis://127.0.0.1:6379/0"],
    )


class Backups(Group):
    """Encrypted backups."""

    backup_store: StoreUrl | None = Field(
        None,
        description="Where backups go: folder:/absolute/path, or s3://bucket/prefix.",
        examples=["s3://payme-backups/production"],
    )
    backup_recipients: Recipients = Field(
        (),
        description="Public keys (age) that backups are encrypted to; each opens them alone. Who only has these cannot read a backup.",
        examples=["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"],
    )
    backup_identity: SecretStr | None = Field(
        None,
        description="Private key (age) that opens backups, best given as BACKUP_IDENTITY_FILE; never on the server that makes them.",
        examples=["change-me"],
    )
    backup_database_url: PostgresUrl | None = Field(
        None,
        description="Another user to dump as, who may bypass row security; only where the role payme_backup cannot be made.",
        examples=["postgresql://postgres:password@127.0.0.1:5432/payme"],
    )
    backup_keep_days: int = Field(30, ge=1, description="`payme backup prune` removes what is older; the newest stays.")
    backup_s3_endpoint: HttpUrl | None = Field(
        None, description="Address of an S3-compatible store that is not Amazon's.", examples=["https://s3.example.com"]
    )
    backup_s3_region: str = Field("us-east-1", min_length=1, description="Region of the bucket.")
    backup_s3_access_key: SecretStr | None = Field(
        None, description="Key of the store; without it the machine's own identity is used.", examples=["change-me"]
    )
    backup_s3_secret_key: SecretStr | None = Field(None, description="Secret of that key.", examples=["change-me"])


class Secrecy(Group):
    """Keys, tokens and passwords."""

    jwt_secret: LongSecret = Field(
        SecretStr(DEVELOPMENT_JWT_SECRET), description="Signs access and refresh tokens; 32 characters or more."
    )
    jwt_secret_previous: LongSecret | None = Field(
        None,
        description="Still verifies tokens while the secret is being changed.",
        examples=["the-secret-before-it-32-characters-or-more"],
    )
    jwt_issuer: str = Field("payme", min_length=1, description="`iss` of our tokens; differs between deployments.")
    access_token_seconds: int = Field(900, ge=1, le=3600, description="Life of an access token.")
    refresh_token_seconds: int = Field(604_800, ge=1, description="Life of a session.")
    refresh_grace_seconds: float = Field(10, ge=0, le=60, description="How long the same device may repeat a refresh.")
    revocation_cache_seconds: float = Field(
        30, ge=0, le=30, description="Longest time that an ended session may pass unseen."
    )
    encryption_key: HexKey = Field(
        SecretStr(DEVELOPMENT_ENCRYPTION_KEY),
        description="Encrypts fields such as phone numbers; 64 hexadecimal digits.",
    )
    encryption_key_id: KeyId = Field(
        "k1", description="Name of that key inside ciphertexts; a new key takes a new name."
    )
    encryption_keys_previous: KeysById | None = Field(
        None,
        description="Other keys that still decrypt, as `id:key` with commas: older ones until `payme secrets rotate`, or a coming one.",
        examples=["k0:" + "0" * 64],
    )
    secrets_aws_id: str | None = Field(
        None,
        min_length=1,
        description="Name or ARN of a secret in AWS Secrets Manager: a JSON object of settings, which those given otherwise outrank.",
        examples=["payme/production"],
    )
    secrets_aws_region: str = Field("us-east-1", min_length=1, description="Region of that secret.")
    secrets_aws_endpoint: HttpUrl | None = Field(
        None,
        description="Address of another service that speaks like AWS Secrets Manager.",
        examples=["https://secrets.example.com"],
    )
    secrets_refresh_seconds: float = Field(
        60,
        ge=1,
        le=3600,
        description="How often JWT_SECRET, ENCRYPTION_KEY and those beside them are read anew; SIGHUP does it at once.",
    )
    blind_index_key: HexKey = Field(
        SecretStr(DEVELOPMENT_BLIND_INDEX_KEY),
        description="Finds encrypted values by equality; 64 hexadecimal digits; changing it makes the index useless until rebuilt.",
    )
    password_memory_kib: int = Field(65_536, ge=19_456, description="Memory of one Argon2id hash.")
    password_iterations: int = Field(3, ge=2, description="Passes of one Argon2id hash.")


class Limits(Group):
    """How often, how many, how long."""

    login_failures: int = Field(5, ge=1, description="Wrong passwords of one account within the window.")
    login_window_seconds: float = Field(900, gt=0, description="The window of login failures.")
    login_failures_per_address: int = Field(
        100,
        ge=1,
        description="Wrong passwords from one address before it is slowed down; carriers put thousands behind one.",
    )
    rate_limit_principal: str = Field("6000/minute", description="Requests of one session, device or API key.")
    rate_limit_anonymous: str = Field(
        "600/minute", description="Requests from one address without a login; carriers put thousands behind one."
    )
    rate_limit_sign_in: str = Field("20/minute", description="Attempts to log in or sign up from one address.")
    rate_limit_callbacks: str = Field("6000/minute", description="Callbacks from Safaricom; a budget of their own.")
    rate_limit_prompts: str = Field("5/minute", description="M-Pesa prompts to one phone number.")
    arcjet_key: SecretStr | None = Field(
        None,
        description="Key of an Arcjet site, whose shield is asked before each request; nobody is asked without it.",
        examples=["change-me"],
    )
    arcjet_base_url: HttpUrl = Field("https://decide.arcjet.com", description="Where Arcjet is asked.")
    arcjet_seconds: float = Field(
        0.5, gt=0, le=5, description="How long a request waits for Arcjet, then it is let through."
    )
    idempotency_wait_seconds: float = Field(
        5, ge=0, description="How long a repeated request waits for the first, then 409."
    )
    idempotency_keep_hours: int = Field(24, ge=24, description="How long a reply is kept for repetition.")
    tokens_welcome: int = Field(30, ge=0, description="Tokens that a new business gets.")
    tokens_offline_overdraft: int = Field(200, ge=0, description="Tokens that offline sales may go below zero.")
    tokens_by_hand: bool = Field(
        default=False,
        description="Whether MPESA_SHORTCODE is the platform's own, so that Safaricom can tell us of money sent to it by hand.",
    )
    worker_concurrency: int = Field(10, ge=2, le=64, description="Jobs at once in one worker process.")
    worker_heartbeat_seconds: float = Field(
        30, ge=1, description="Silence after which a worker's job counts as lost and runs again."
    )
    worker_drain_seconds: float = Field(20, gt=0, description="How long a stopping worker may finish its jobs.")
    worker_metrics_port: int | None = Field(
        None, ge=1, le=65535, description="Port on which a worker shows its metrics.", examples=["9100"]
    )
