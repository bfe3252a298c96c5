"""How identity says no."""

from payme.kit.errors import Conflict, Forbidden, Invalid, NotFound, Refused, Unauthenticated


class IdentifierMissing(Invalid):
    """Give a phone number or an e-mail address."""

    code = "auth.identifier_missing"


class PhoneInvalid(Invalid):
    """This is no Kenyan mobile number."""

    code = "auth.phone_invalid"
    pointer = "/phone"


class EmailInvalid(Invalid):
    """This is no e-mail address."""

    code = "auth.email_invalid"
    pointer = "/email"


class IdentifierTaken(Conflict):
    """Somebody has signed up with this phone number or e-mail address; log in instead."""

    code = "auth.identifier_taken"
    constraints = ("users_phone_index_key", "users_email_index_key")


class LoginFailed(Unauthenticated):
    """The phone number, the e-mail address or the password is wrong."""

    code = "auth.login_failed"


class SessionEnded(Unauthenticated):
    """This session has ended; log in again."""

    code = "auth.session_ended"


class RefreshReused(Unauthenticated):
    """This refresh token was used before, so the whole session was ended; log in again."""

    code = "auth.refresh_reused"


class KeyRefused(Unauthenticated):
    """The API key is unknown or revoked."""

    code = "auth.key_refused"


class PersonNeeded(Forbidden):
    """This takes a person who is signed in, not an API key."""

    code = "auth.person_needed"


class ProofWrong(Forbidden):
    """The PIN or the password is wrong."""

    code = "auth.proof_wrong"


class SessionNotFound(NotFound):
    """You have no such session."""

    code = "sessions.not_found"


class MemberNotFound(NotFound):
    """There is no such member in this business."""

    code = "members.not_found"


class AlreadyMember(Conflict):
    """They are a member of this business already."""

    code = "members.already_member"


class LastOwner(Refused):
    """A business keeps at least one owner."""

    code = "members.last_owner"


class BeyondYourPower(Forbidden):
    """You cannot give, take or change a power that you do not hold yourself."""

    code = "members.beyond_your_power"


class InvitationNotFound(NotFound):
    """There is no such invitation, or it is used, revoked or expired."""

    code = "invitations.not_found"


class ApiKeyNotFound(NotFound):
    """There is no such API key in this business."""

    code = "api_keys.not_found"


class ScopeUnknown(Invalid):
    """A scope is not a permission that exists."""

    code = "api_keys.scope_unknown"
    pointer = "/scopes"


class PinInvalid(Invalid):
    """A PIN is 4 to 8 digits."""

    code = "members.pin_invalid"
    pointer = "/pin"


class CodeRefused(Forbidden):
    """This registration code is unknown, used or too old; ask for another."""

    code = "devices.code_refused"


class DeviceNotFound(NotFound):
    """There is no such device in this business."""

    code = "devices.not_found"


class DeviceNeeded(Forbidden):
    """This takes a registered device."""

    code = "devices.needed"


class DeviceRefused(Unauthenticated):
    """This device is unknown, or was not seen for 90 days; register it again."""

    code = "devices.refused"


class DeviceRevoked(Forbidden):
    """This device was revoked; it keeps what it has not sent, and a manager can hand that in."""

    code = "sync.device_revoked"


class PinLocked(Forbidden):
    """Five wrong PINs; a manager has to let you try again."""

    code = "auth.pin_locked"
