"""What operators type: the groups `check` and `backup`, and how the doctor speaks. Wiring says how to reach the database."""

from payme.features.operations.cli.backups import build_backup_app
from payme.features.operations.cli.checking import build_app
from payme.features.operations.cli.diagnoses import print_diagnoses

__all__ = ["build_app", "build_backup_app", "print_diagnoses"]
