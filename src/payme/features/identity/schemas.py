"""What people send to identity and what it shows. No command has a role of the sender's own choosing; fields not named here are ignored."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from payme.features.identity.enums import Role
from payme.kit.texts import Filled

PersonName = Annotated[Filled, StringConstraints(max_length=120)]
ShortName = Annotated[Filled, StringConstraints(max_length=80)]
Password = Annotated[SecretStr, Field(min_length=10, max_length=1024)]
Roles = Annotated[list[Role], Field(min_length=1, max_length=5)]


class SignUp(BaseModel):
    """Become a user of PayMe: a plain one, whatever else the body says."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"name": "Wanjiku Kamau", "phone": "0712345678", "password": "maji-ya-chai-2026"}}
    )

    name: PersonName
    phone: str | None = Field(default=None, max_length=32)
    email: str | None = Field(default=None, max_length=254)
    password: Password


class LogIn(BaseModel):
    """Come back, by phone number or e-mail address."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"identifier": "0712345678", "password": "maji-ya-chai-2026"}}
    )

    identifier: str = Field(max_length=254)
    password: SecretStr = Field(max_length=1024)


class RefreshTokens(BaseModel):
    """Exchange a refresh token for new tokens; a browser's comes as a cookie."""

    model_config = ConfigDict(json_schema_extra={"example": {"refresh_token": "eyJhbGciOiJIUzI1NiIsImtpZCI6Ij…"}})

    refresh_token: str | None = Field(default=None, max_length=4096)


class UserView(BaseModel):
    """A person, as they see themselves."""

    id: UUID
    name: str
    phone: str | None = Field(default=None, examples=["254712345678"])
    email: str | None = Field(default=None, examples=["wanjiku@example.co.ke"])
    created_at: datetime


class TokensView(BaseModel):
    """A fresh pair of tokens."""

    access_token: str
    refresh_token: str
    token_type: str = "Bearer"
    expires_in: int = Field(description="Seconds that the access token lives", examples=[900])


class SignedIn(TokensView):
    """A fresh pair of tokens and whose they are."""

    user: UserView


class CookieSession(BaseModel):
    """A browser's session; its tokens are in cookies that no script can read."""

    user: UserView | None = None
    expires_in: int = Field(description="Seconds until the session is to be refreshed", examples=[900])
    csrf_token: str = Field(description="To be sent as X-CSRF-Token with every change; also in its cookie")


class Membership(BaseModel):
    """What somebody is in one business."""

    business_id: UUID
    roles: list[Role]


class SessionView(BaseModel):
    """One place where somebody is signed in."""

    id: UUID
    label: str = Field(description="What the browser or the till called itself")
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    is_current: bool = False


class MemberView(BaseModel):
    """Somebody who works in the business."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "user_id": "01932f6e-7c1f-7b0a-8d7e-0a5b5a1c2d40",
                "display_name": "Wanjiku",
                "roles": ["cashier"],
                "has_pin": True,
                "rev": 1,
                "created_at": "2026-11-22T08:15:00Z",
            }
        }
    )

    user_id: UUID
    display_name: str
    roles: list[Role]
    has_pin: bool
    rev: int
    created_at: datetime


class ChangeMember(BaseModel):
    """Change what somebody is called, or what they are, in the business."""

    model_config = ConfigDict(json_schema_extra={"example": {"roles": ["manager"]}})

    display_name: ShortName | None = None
    roles: Roles | None = None


class SetPin(BaseModel):
    """The digits that a member signs in with at a registered till."""

    model_config = ConfigDict(json_schema_extra={"example": {"pin": "482916"}})

    pin: SecretStr = Field(min_length=4, max_length=8)


class LogInByPin(BaseModel):
    """Sign in at a registered device."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"staff_id": "01932f6e-7c1f-7b0a-8d7e-0a5b5a1c2d40", "pin": "482916"}}
    )

    staff_id: UUID
    pin: SecretStr = Field(min_length=4, max_length=8)


class MakeDeviceCode(BaseModel):
    """Ask for a code that registers one device, at the first branch unless one is named."""

    model_config = ConfigDict(json_schema_extra={"example": {"name": "Counter 2"}})

    name: ShortName
    branch_id: UUID | None = None


class DeviceCodeMade(BaseModel):
    """A code, which is shown this once, to be typed or shown as a QR code."""

    id: UUID
    code: str = Field(examples=["reg_…"])
    name: str
    branch_id: UUID | None
    expires_at: datetime


class DeviceRow(BaseModel):
    """A device as it is known; `revoked_at` is set once it is no longer one."""

    id: UUID
    name: str
    till_id: UUID
    branch_id: UUID
    registered_by: UUID
    registered_at: datetime
    last_seen_at: datetime
    revoked_at: datetime | None = None
    rev: int


class StaffAtDevice(BaseModel):
    """Somebody who may sign in at a device. `pin_verifier` is the PHC string of Argon2id that the device checks a PIN by."""

    user_id: UUID
    display_name: str
    roles: list[Role]
    permissions: list[str] = Field(default_factory=list)
    pin_verifier: str = Field(examples=["$argon2id$v=19$m=19456,t=2,p=1$…"])
    wrong_tries: int
    rev: int


class Proven(BaseModel):
    """A member who has just shown by PIN or password that they are there; `prove_member` makes it, and nobody else."""

    model_config = ConfigDict(frozen=True)

    business_id: UUID
    user_id: UUID


class Invite(BaseModel):
    """Invite somebody into the business; the invitation carries the roles."""

    model_config = ConfigDict(json_schema_extra={"example": {"roles": ["cashier"], "label": "Otieno, evening shift"}})

    roles: Roles
    label: str = Field(default="", max_length=80)


class InvitationView(BaseModel):
    """An invitation that was made; its token is not kept."""

    id: UUID
    roles: list[Role]
    label: str
    invited_by: UUID
    created_at: datetime
    expires_at: datetime
    accepted_by: UUID | None = None
    accepted_at: datetime | None = None
    revoked_at: datetime | None = None


class InvitationMade(InvitationView):
    """A new invitation with its token, which is shown this once."""

    token: str


class AcceptInvitation(BaseModel):
    """Take up an invitation as the person who is signed in."""

    model_config = ConfigDict(json_schema_extra={"example": {"token": "inv_…", "display_name": "Otieno"}})

    token: str = Field(max_length=200)
    display_name: ShortName | None = None


class CreateApiKey(BaseModel):
    """Make a key for a program; it may do what its scopes say and nothing else."""

    model_config = ConfigDict(json_schema_extra={"example": {"name": "Accounting export", "scopes": ["sales.read"]}})

    name: ShortName
    scopes: list[str] = Field(min_length=1, max_length=64)


class ApiKeyView(BaseModel):
    """A key, without the key itself."""

    id: UUID
    name: str
    hint: str = Field(description="How the key begins and ends", examples=["pk_test_…k3f7"])
    mode: str = Field(examples=["test"])
    scopes: list[str]
    created_by: UUID
    created_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None


class ApiKeyMade(ApiKeyView):
    """A new key, which is shown this once."""

    key: str
