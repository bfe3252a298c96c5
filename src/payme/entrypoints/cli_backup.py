"""`payme backup`: the commands of backups over the settings of this process."""

from contextlib import AbstractAsyncContextManager

from payme.entrypoints.reach import open_database, settings_or_exit
from payme.entrypoints.wiring import VERSION
from payme.features.operations.cli import build_backup_app
from payme.features.operations.cli.backups import Surroundings
from payme.features.operations.services.backups.restore import OpenAt
from payme.features.sync.services.epochs import begin_epochs
from payme.runtime.database import Database
from payme.runtime.database.roles import WORKER_ROLE
from payme.runtime.settings import Settings


def _open_at(settings: Settings) -> OpenAt:
    def open_at(url: str) -> AbstractAsyncContextManager[Database]:
        return open_database(settings, role=WORKER_ROLE, url=url)

    return open_at


app = build_backup_app(Surroundings(settings_or_exit, _open_at, VERSION, begin_epochs))
