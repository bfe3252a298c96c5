"""`payme audit`: the commands of the audit log over the database of the settings, in the worker's role."""

from payme.entrypoints.reach import open_worker_database
from payme.features.audit.cli import build_app
from payme.features.businesses import list_business_ids

app = build_app(open_worker_database, list_business_ids)
