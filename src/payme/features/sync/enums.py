"""The words of sync; those that are stored have their CHECK in the schema."""

from enum import StrEnum


class CommandStatus(StrEnum):
    """What became of a command. `pending` is not stored: it was not tried to its end, and is to be sent again."""

    APPLIED = "applied"
    REJECTED = "rejected"
    WAITING = "waiting"
    NEEDS_REVIEW = "needs_review"
    PENDING = "pending"


class Strategy(StrEnum):
    """Who wins where a device and the server both changed a document."""

    SERVER_WINS = "server_wins"
    CLIENT_WINS = "client_wins"
    LAST_WRITE_WINS = "last_write_wins"
    MERGE = "merge"
    MANUAL = "manual"


class Kind(StrEnum):
    """What a collection is to a shop, which says what its business may choose from."""

    FIGURES = "figures"
    REFERENCE = "reference"
    PEOPLE = "people"
    SHARED = "shared"
    PERSONAL = "personal"


class ConflictKind(StrEnum):
    """How two changes clash: both made it, on another version, with a deletion, in the same field, or against a rule."""

    DUPLICATE = "duplicate"
    VERSION_MISMATCH = "version_mismatch"
    DELETED = "deleted"
    MODIFIED = "modified"
    REFUSED = "refused"


class Outcome(StrEnum):
    """Whose change stands; `open` waits for a person while the server's does."""

    SERVER = "server"
    CLIENT = "client"
    MERGED = "merged"
    OPEN = "open"


class Choice(StrEnum):
    """What a person says about an open conflict."""

    SERVER = "server"
    CLIENT = "client"
    MERGED = "merged"
