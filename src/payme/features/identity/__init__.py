"""People and what they may do: sign-up, login, sessions, roles, invitations, devices, API keys.

Nobody chooses a role at sign-up; invitations carry it. Hashing and token formats live in `runtime.security`.
"""

from payme.features.identity.enums import Role
from payme.features.identity.errors import (
    CodeRefused,
    DeviceNeeded,
    DeviceNotFound,
    DeviceRevoked,
    MemberNotFound,
    PersonNeeded,
    ProofWrong,
)
from payme.features.identity.repository.devices import NewDevice
from payme.features.identity.repository.sealed import SEALED
from payme.features.identity.rules import PERMISSIONS, permissions_of
from payme.features.identity.schemas import (
    DeviceCodeMade,
    DeviceRow,
    MakeDeviceCode,
    MemberView,
    Proven,
    SetPin,
    SignUp,
    StaffAtDevice,
    UserView,
)
from payme.features.identity.services.authenticator import IdentityAuthenticator
from payme.features.identity.services.devices import (
    add_device,
    business_of_code,
    get_device,
    list_devices,
    list_staff,
    lock_device_rev,
    make_code,
    rename_device,
    revoke_device,
    rotate_credential,
    spend_code,
)
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
from payme.features.identity.services.pins import record_wrong_pins, unlock_member
from payme.features.identity.services.proofs import prove_member, proven_at_device
from payme.features.identity.services.tools import Identity, IdentityOptions

__all__ = [
    "PERMISSIONS",
    "SEALED",
    "CodeRefused",
    "DeviceCodeMade",
    "DeviceNeeded",
    "DeviceNotFound",
    "DeviceRevoked",
    "DeviceRow",
    "GateOptions",
    "Identity",
    "IdentityAuthenticator",
    "IdentityOptions",
    "LoginGate",
    "MakeDeviceCode",
    "MemberNotFound",
    "MemberView",
    "NewDevice",
    "PersonNeeded",
    "ProofWrong",
    "Proven",
    "Role",
    "SetPin",
    "SignUp",
    "StaffAtDevice",
    "TooManyFailures",
    "UserView",
    "Visitor",
    "add_device",
    "add_member",
    "business_of_code",
    "find_person",
    "find_person_behind",
    "find_roles",
    "get_device",
    "get_member",
    "get_profile",
    "hash_pin",
    "list_devices",
    "list_members_who_may",
    "list_staff",
    "lock_device_rev",
    "make_code",
    "permissions_of",
    "prove_member",
    "proven_at_device",
    "record_wrong_pins",
    "rename_device",
    "revoke_device",
    "rotate_credential",
    "set_member_pin",
    "sign_up",
    "spend_code",
    "unlock_member",
]
