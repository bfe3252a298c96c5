"""Views of the books."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict


class AccountBalance(BaseModel):
    """One account and what it holds: cents for KES, whole tokens for TOKEN; credit balances are negative."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "01936f0e-7c2a-7b4e-9d53-7f5d2a1c0b11",
                    "code": "cash",
                    "name": "Cash in drawers",
                    "kind": "asset",
                    "unit": "KES",
                    "balance": 125000,
                }
            ]
        }
    )

    id: UUID
    code: str
    name: str
    kind: str
    unit: str
    balance: int


class TrialBalance(BaseModel):
    """Every account's balance, and the sums that must be zero."""

    accounts: list[AccountBalance]
    sum_cents: int
    sum_tokens: int
