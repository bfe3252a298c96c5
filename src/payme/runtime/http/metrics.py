"""What is counted at the edge: requests by method, route template and status, and how long they took."""

from functools import lru_cache

from prometheus_client import Counter, Gauge, Histogram

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_requests = Counter("payme_http_requests", "Requests answered", ("method", "route", "status"))
_seconds = Histogram(
    "payme_http_request_seconds",
    "Time from the first byte in to the last byte out",
    ("method", "route"),
    buckets=_BUCKETS,
)
in_progress = Gauge("payme_http_requests_in_progress", "Requests that are being answered")
streams = Gauge("payme_http_streams", "Event streams that are open")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def record(method: str, route: str, *, status: int, seconds: float) -> None:
    """Count one answered request."""
    method = method if method in _METHODS else "other"
    _requests_of(method, route, status=status).inc()
    _seconds_of(method, route).observe(seconds)


@lru_cache(maxsize=4096)
def _requests_of(method: str, route: str, *, status: int) -> Counter:
    return _requests.labels(method, route, str(status))


@lru_cache(maxsize=1024)
def _seconds_of(method: str, route: str) -> Histogram:
    return _seconds.labels(method, route)
