"""How sync says no. What is wrong with one command is its verdict, and fails nothing else."""

from payme.kit.errors import Conflict, Forbidden, Invalid, NotFound


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


class NothingToSettle(Conflict):
    """This command does not wait for a person."""

    code = "sync.nothing_to_settle"
