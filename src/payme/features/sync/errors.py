"""How sync refuses a request as a whole. What is wrong with one row or command of it is a verdict, and fails nothing else."""

from payme.kit.errors import Conflict, Forbidden, Gone, Invalid, NotFound, Outdated, Refused, TooMuch


class CollectionUnknown(NotFound):
    """There is no such collection."""

    code = "sync.collection_unknown"


class CollectionReadOnly(Refused):
    """This collection is only read; nothing can be pushed to it."""

    code = "sync.collection_read_only"


class WriteForbidden(Forbidden):
    """Your role does not change this collection."""

    code = "sync.write_forbidden"


class DocumentInvalid(Invalid):
    """The document is not as its collection has them; `pointer` and `reason` say where and why."""

    code = "sync.document_invalid"


class NotDeletable(Refused):
    """A document of this collection is not deleted; what is not sold any more is made inactive."""

    code = "sync.not_deletable"


class ResyncRequired(Gone):
    """The checkpoint is not one that this server can go on from; begin again without one."""

    code = "sync.resync_required"


class ProtocolUnknown(Outdated):
    """This server speaks version 1 of the sync protocol."""

    code = "sync.protocol_unknown"


class TooManyOperations(TooMuch):
    """A push takes 200 operations at most; send the rest in another one."""

    code = "sync.too_many_operations"


class ConflictNotFound(NotFound):
    """There is no such conflict in this business."""

    code = "sync.conflict_not_found"


class ConflictClosed(Conflict):
    """This conflict is settled already."""

    code = "sync.conflict_closed"


class ChoiceIncomplete(Invalid):
    """The choice `merged` comes with a document, and no other does."""

    code = "sync.choice_incomplete"
    pointer = "/document"


class StrategyNotAllowed(Refused):
    """A collection of this kind does not know that strategy; `allowed` names those it does."""

    code = "sync.strategy_not_allowed"


class CommandMalformed(Invalid):
    """This is no command; `pointer` names the first field that makes no sense."""

    code = "sync.command_malformed"


class CommandUnknown(Invalid):
    """There is no command of this name and version."""

    code = "sync.command_unknown"
    pointer = "/name"


class SequenceReused(Conflict):
    """This sequence number is another command's."""

    code = "sync.sequence_reused"


class NotThisDevice(Forbidden):
    """A device sends its own commands; those of another are handed in by somebody who reviews."""

    code = "sync.not_this_device"


class StaffUnknown(Forbidden):
    """There is no such member of staff in this business."""

    code = "sync.staff_unknown"


class NotPermitted(Forbidden):
    """At that moment, whoever did this was not allowed to."""

    code = "sync.not_permitted"


class CommandNotFound(NotFound):
    """There is no such command in this business."""

    code = "sync.command_not_found"


class AppliedAlready(Conflict):
    """What this command tells of is in the books already; there is nothing to try again."""

    code = "sync.applied_already"


class NothingToSettle(Conflict):
    """This command does not wait for a person."""

    code = "sync.nothing_to_settle"
