"""People and what they may do: sign-up, login, sessions, roles, invitations, API keys.

Nobody chooses a role at sign-up; invitations carry it. Hashing and token formats live in `runtime.security`.
"""

from payme.features.identity.enums import Role
from payme.features.identity.errors import MemberNotFound, PersonNeeded, ProofWrong
from payme.features.identity.repository.sealed import SEALED
from payme.features.identity.rules import PERMISSIONS, permissions_of
from payme.features.identity.schemas import MemberView, Proven, SetPin, SignUp, UserView
from payme.features.identity.services.authenticator import IdentityAuthenticator
from payme.features.identity.services.login_gate import GateOptions, LoginGate, TooManyFailures
from payme.features.identity.services.members import (
    add_member,
    find_person,
    find_person_behind,
    find_roles,
    get_member,
    hash_pin,
    list_members_who_may,
    set_member_pin,
)
from payme.features.identity.services.people import Visitor, get_profile, sign_up
from payme.features.identity.services.proofs import prove_member
from payme.features.identity.services.tools import Identity, IdentityOptions

__all__ = [
    "PERMISSIONS",
    "SEALED",
    "GateOptions",
    "Identity",
    "IdentityAuthenticator",
    "IdentityOptions",
    "LoginGate",
    "MemberNotFound",
    "MemberView",
    "PersonNeeded",
    "ProofWrong",
    "Proven",
    "Role",
    "SetPin",
    "SignUp",
    "TooManyFailures",
    "UserView",
    "Visitor",
    "add_member",
    "find_person",
    "find_person_behind",
    "find_roles",
    "get_member",
    "get_profile",
    "hash_pin",
    "list_members_who_may",
    "permissions_of",
    "prove_member",
    "set_member_pin",
    "sign_up",
]
