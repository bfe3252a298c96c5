"""The switches that change how the simulator behaves as a whole.

Lives here: the settings and their defaults. Does not live here: single misfortunes, which are faults.
Invariant: the defaults are the awkward reality.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from payme_sim.outcomes import Digits


class Settings(BaseModel):
    """Behaviour that lasts until it is changed; delays are in virtual seconds."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    production_mode: bool = Field(default=False, description="Callback URLs must be https and not at a tunnel host.")
    strict_timestamp: bool = Field(default=False, description="Timestamp must lie within 5 minutes of Nairobi time.")
    expires_in_as_number: bool = Field(default=False, description="OAuth answers expires_in as a number.")
    new_token_kills_old: bool = Field(default=False, description="A new OAuth token ends the app's earlier ones.")
    query_limit: bool = Field(default=True, description="STK query: five a minute, burst of one.")
    repeat_rule: bool = Field(default=True, description="Result 17 for the same customer and amount within 2 minutes.")
    pending_as_500: bool = Field(default=False, description="Open prompts answer a query in the older shape, HTTP 500.")
    unanswered_code: str = Field(default="1037", pattern="^(1037|1032)$", description="Result of a silent prompt.")
    prompt_seconds: float = Field(default=60.0, gt=0, description="How long a prompt stays on the phone.")
    auto_approve_seconds: float | None = Field(default=None, ge=0, description="Fixed delay of numbers that pay.")
    callback_scale: float = Field(default=1.0, ge=0, description="Factor on the simulator's own answer delays.")
    callback_timeout_seconds: float = Field(default=10.0, gt=0, description="Real seconds given to a callback.")
    validation_timeout_seconds: float = Field(default=8.0, gt=0, description="Real seconds given to a validation.")
    register_once: bool = Field(default=False, description="C2B URLs are registered once, as in production.")
    c2b_version: Literal["v1", "v2"] | None = Field(default=None, description="The one version of C2B the app has.")
    msisdn_form: Literal["masked", "hashed", "masked_hash", "plain"] | None = Field(
        default=None, description="How confirmations write the number; left out: v2 masked, v1 hashed."
    )
    stk_fires_c2b: bool = Field(default=True, description="A paid prompt is also told to registered C2B URLs.")
    stk_confirmation_first: bool = Field(default=False, description="... and before the prompt's own callback.")
    b2c_v3: bool = Field(default=True, description="The app has the third version of B2C.")
    pull_subscribed: bool = Field(default=True, description="The app has Pull.")
    pull_dates_are_utc: bool = Field(default=False, description="Pull's dates are UTC, as their Z says, not Nairobi's.")
    portal_style: bool = Field(default=False, description="Results as the portal prints them: strings, arrays.")
    telling_digits: Digits = Field(default="last", description="Digits that choose; first: those after 2547.")
    start_balance_cents: int = Field(default=50_000_000, ge=0, le=50_000_000, description="Of a wallet first seen.")
