"""People and what they may do: sign-up, login, sessions, roles, invitations, API keys.

Nobody chooses a role at sign-up; invitations carry it. Hashing and token formats live in `runtime.security`.
"""

from payme.features.identity.enums import Role
from payme.features.identity.errors import PersonNeeded
from payme.features.identity.repository.sealed import SEALED
from payme.features.identity.rules import PERMISSIONS, permissions_of
from payme.features.identity.schemas import SetPin, SignUp, UserView
from payme.features.identity.services.authenticator import IdentityAuthenticator
from payme.features.identity.services.login_gate import GateOptions, LoginGate
from payme.features.identity.services.members import add_member, find_roles, get_member, hash_pin, set_member_pin
from payme.features.identity.services.people import Visitor, get_profile, sign_up
from payme.features.identity.services.tools import Identity, IdentityOptions

__all__ = [
    "PERMISSIONS",
    "SEALED",
    "GateOptions",
    "Identity",
    "IdentityAuthenticator",
    "IdentityOptions",
    "LoginGate",
    "PersonNeeded",
    "Role",
    "SetPin",
    "SignUp",
    "UserView",
    "Visitor",
    "add_member",
    "find_roles",
    "get_member",
    "get_profile",
    "hash_pin",
    "permissions_of",
    "set_member_pin",
    "sign_up",
]
