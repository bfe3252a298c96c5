"""Structured logs with redaction, reports of errors, and the metrics that belong to no other room.

A log line is one JSON object on standard error; what it may hold is a list (`redaction.ALLOWED`), and what it holds is scrubbed
besides. Not here: the metrics of requests and jobs (their rooms count themselves). Nothing here changes what a request does.
"""

from payme.runtime.observability.logs import configure_logging, current_request_id
from payme.runtime.observability.metrics import PoolFigures, announce_build, watch_pool
from payme.runtime.observability.redaction import ALLOWED, scrub
from payme.runtime.observability.reports import ReportOptions, TimedRequests, report, start_reports, stop_reports, timed

__all__ = [
    "ALLOWED",
    "PoolFigures",
    "ReportOptions",
    "TimedRequests",
    "announce_build",
    "configure_logging",
    "current_request_id",
    "report",
    "scrub",
    "start_reports",
    "stop_reports",
    "timed",
    "watch_pool",
]
