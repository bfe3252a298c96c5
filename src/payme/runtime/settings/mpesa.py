"""The settings of M-Pesa. Every other group, and how one is written: `groups`."""

from enum import StrEnum

from pydantic import Field, SecretStr

from payme.runtime.settings.groups import Group
from payme.runtime.settings.kinds import HttpUrl, Networks, Schedule


class MpesaEnvironment(StrEnum):
    """Which of Safaricom's two worlds is called."""

    SANDBOX = "sandbox"
    PRODUCTION = "production"


class Mpesa(Group):
    """Daraja, for the platform's own till and as the default of every business."""

    mpesa_environment: MpesaEnvironment = Field(
        MpesaEnvironment.SANDBOX, description="Safaricom's world: sandbox or production."
    )
    mpesa_base_url: HttpUrl | None = Field(
        None, description="Another address for Daraja, such as the simulator's.", examples=["http://127.0.0.1:8900"]
    )
    mpesa_consumer_key: SecretStr | None = Field(
        None, description="Consumer key of the Daraja app.", examples=["change-me"]
    )
    mpesa_consumer_secret: SecretStr | None = Field(
        None, description="Consumer secret of the Daraja app.", examples=["change-me"]
    )
    mpesa_passkey: SecretStr | None = Field(
        None, description="Passkey of the shortcode for STK push.", examples=["change-me"]
    )
    mpesa_shortcode: str = Field(
        "650880", pattern=r"^\d{5,7}$", description="Paybill that token purchases are paid to."
    )
    mpesa_account: str = Field("37605544", pattern=r"^[A-Za-z0-9-]{1,12}$", description="Account at that paybill.")
    mpesa_pull_number: str | None = Field(
        None,
        max_length=32,
        description="Phone in that paybill's papers, where it is the platform's own; with it payments that nobody told of are pulled.",
        examples=["0722000000"],
    )
    mpesa_certificate: str | None = Field(
        None,
        description="Safaricom's certificate (PEM) that operators' passwords are encrypted with, best given as MPESA_CERTIFICATE_FILE; "
        "without it nothing is paid out, sent back or asked about by an operator.",
        examples=["-----BEGIN CERTIFICATE-----"],
    )
    mpesa_callback_base_url: HttpUrl | None = Field(
        None, description="Where Safaricom reaches us; else PUBLIC_BASE_URL.", examples=["https://pay.example.co.ke"]
    )
    mpesa_callback_sources: Networks = Field(
        (
            "196.201.214.200,196.201.214.206,196.201.214.207,196.201.214.208,196.201.213.114,196.201.213.44,"
            "196.201.212.127,196.201.212.138,196.201.212.129,196.201.212.136,196.201.212.74,196.201.212.69"
        ),
        validate_default=True,
        description="Addresses that callbacks come from; another source is written down, not refused.",
    )
    mpesa_oauth_seconds: float = Field(10, gt=0, description="Time-out of the token call.")
    mpesa_push_seconds: float = Field(30, gt=0, description="Time-out of an STK push; after it the outcome is unknown.")
    mpesa_query_seconds: float = Field(15, gt=0, description="Time-out of a query.")
    mpesa_breaker_failures: int = Field(
        5, ge=0, description="After so many failures in a row a product of M-Pesa is left alone for a while; 0: never."
    )
    mpesa_breaker_seconds: int = Field(
        20, ge=1, description="For how long; then one call tries it. What was not called was certainly not sent."
    )
    mpesa_prompt_seconds: float = Field(60, gt=0, description="How long a prompt lives on the phone.")
    mpesa_query_schedule_seconds: Schedule = Field(
        (20.0, 35.0, 65.0, 125.0, 300.0, 600.0, 1800.0, 3600.0, 10_800.0, 43_200.0, 86_400.0),
        description="When a silent payment is asked about, in seconds after its push; then a person decides.",
    )
    mpesa_queries_per_minute: int = Field(
        5,
        ge=1,
        description="Questions a minute to one product as one app, over all processes; the sandbox refuses more.",
    )
    mpesa_query_gap_seconds: float = Field(12, ge=0, description="Least time between two such questions.")
    verify_above_cents: int = Field(
        1_000_000, ge=0, description="Above this a callback's word is checked by a query as well."
    )
