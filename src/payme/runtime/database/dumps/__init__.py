"""Logical dumps by PostgreSQL's own programs: which of them fit a server, a dump as a stream out, a restore as a stream in.

Not here: where a stream goes, and who may read it. Invariant: nothing of a dump touches a disk of ours, no password stands in an
argument, and a dump that ended badly never looks like one that is finished.
"""

from payme.runtime.database.dumps.errors import DumpError
from payme.runtime.database.dumps.programs import Tools, find_dump_tools, find_restore_tools, installed_tools
from payme.runtime.database.dumps.snapshot import Snapshot, open_snapshot
from payme.runtime.database.dumps.streams import dumping, listing, restoring
from payme.runtime.database.dumps.target import Target, clear_target, examine_target, prepare_target

__all__ = [
    "DumpError",
    "Snapshot",
    "Target",
    "Tools",
    "clear_target",
    "dumping",
    "examine_target",
    "find_dump_tools",
    "find_restore_tools",
    "installed_tools",
    "listing",
    "open_snapshot",
    "prepare_target",
    "restoring",
]
