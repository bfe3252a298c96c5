"""What people say about their business and what is shown of it. Money is in cents."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from payme.features.identity import Role, UserView
from payme.kit.ids import ClientId
from payme.kit.texts import Filled
from payme.kit.time import TimeOfDay

Name = Annotated[Filled, StringConstraints(max_length=120)]
ShortName = Annotated[Filled, StringConstraints(max_length=80)]
Prefix = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{1,6}$")]
CASH_STEPS_CENTS = (0, 50, 100, 500, 1000)
LARGEST_LIMIT_CENTS = 100_000_000_000
BasisPoints = Annotated[int, Field(ge=0, le=10_000)]
LimitCents = Annotated[int, Field(ge=0, le=LARGEST_LIMIT_CENTS)]


def _is_step(value: int) -> int:
    if value not in CASH_STEPS_CENTS:
        message = f"must be one of {', '.join(map(str, CASH_STEPS_CENTS))}"
        raise ValueError(message)
    return value


# A Literal would take `false` for 0.
CashStep = Annotated[int, AfterValidator(_is_step), Field(json_schema_extra={"enum": list(CASH_STEPS_CENTS)})]


class CreateBusiness(BaseModel):
    """Open a business; the caller becomes its owner."""

    model_config = ConfigDict(json_schema_extra={"example": {"name": "Duka la Wanjiku"}})

    id: ClientId | None = None
    name: Name
    branch_name: ShortName = "Main branch"
    till_name: ShortName = "Till 1"


class ChangeBusiness(BaseModel):
    """Change what is named; the rest stays."""

    model_config = ConfigDict(json_schema_extra={"example": {"cash_rounding_cents": 100, "day_starts_at": "04:00"}})

    name: Name | None = None
    cash_rounding_cents: CashStep | None = None
    day_starts_at: TimeOfDay | None = None
    discount_limit_basis_points: BasisPoints | None = None
    refund_limit_cents: LimitCents | None = None
    write_off_limit_cents: LimitCents | None = None
    payout_limit_cents: LimitCents | None = None
    payout_day_limit_cents: LimitCents | None = None
    verify_above_cents: LimitCents | None = None
    claim_limit_cents: LimitCents | None = None
    cash_variance_basis_points: BasisPoints | None = None
    mpesa_variance_basis_points: BasisPoints | None = None


class BusinessSettings(BaseModel):
    """A business with its settings."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    name: str
    currency: str = Field(examples=["KES"])
    status: str = Field(examples=["active"])
    is_platform: bool
    cash_rounding_cents: int = Field(description="Cash totals are rounded to this step; 0 rounds nothing")
    day_starts_at: TimeOfDay = Field(description="When a business day begins, in Nairobi")
    discount_limit_basis_points: int = Field(description="Discounts above it need a manager")
    refund_limit_cents: int
    write_off_limit_cents: int
    payout_limit_cents: int
    payout_day_limit_cents: int
    verify_above_cents: int = Field(description="M-Pesa money above it is asked about as well")
    claim_limit_cents: int
    cash_variance_basis_points: int = Field(description="What counted cash may differ by before somebody closes it")
    mpesa_variance_basis_points: int = Field(description="What M-Pesa may differ by before somebody closes it")
    rev: int
    created_at: datetime


class CreateBranch(BaseModel):
    """Open a branch."""

    model_config = ConfigDict(json_schema_extra={"example": {"name": "Kariakor"}})

    id: ClientId | None = None
    name: ShortName


class Branch(BaseModel):
    """A place where the business sells."""

    id: UUID
    name: str
    rev: int
    created_at: datetime


class CreateTill(BaseModel):
    """Set up a till; without a prefix it gets the next free one."""

    model_config = ConfigDict(json_schema_extra={"example": {"name": "Till 2"}})

    id: ClientId | None = None
    name: ShortName
    branch_id: UUID | None = None
    receipt_prefix: Prefix | None = None


class Till(BaseModel):
    """A device that sells; its receipt numbers begin with its prefix."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    branch_id: UUID
    name: str
    receipt_prefix: str
    created_at: datetime


class MyBusiness(BaseModel):
    """A business that somebody belongs to."""

    id: UUID
    name: str
    roles: list[Role]


class Me(BaseModel):
    """Who is signed in, and where they belong."""

    user: UserView
    businesses: list[MyBusiness]
