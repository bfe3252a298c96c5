"""A worker of its own process for the tests: `python worker_process.py URL '{"heartbeat_seconds": 1}'`."""

import asyncio
import json
import sys

from payme.entrypoints.worker import WorkerParts, serve
from payme.runtime.jobs import Registry
from payme.runtime.jobs.worker import WorkerLimits
from tests.runtime.jobs.probe import tasks

if __name__ == "__main__":
    limits = WorkerLimits(**json.loads(sys.argv[2]))
    asyncio.run(serve(sys.argv[1], WorkerParts(Registry.of([tasks]), limits=limits)))
