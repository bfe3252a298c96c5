"""What a worker counts, for Prometheus. Labels are names of jobs and outcomes, never anything of a tenant."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

BUCKETS: Final = (0.005, 0.02, 0.1, 0.5, 2, 10, 60)
JOBS: Final = Counter("payme_jobs_total", "Attempts that ended.", ["job", "outcome"])
DURATION: Final = Histogram("payme_job_duration_seconds", "Time in the handler.", ["job"], buckets=BUCKETS)
RUNNING: Final = Gauge("payme_jobs_running", "Handlers at work in this process.")
WAITING: Final = Gauge("payme_jobs_waiting", "Jobs that are due and wait.", ["job"])
AGE: Final = Gauge("payme_jobs_oldest_wait_seconds", "How long the oldest due job has waited.", ["job"])
DEAD: Final = Gauge("payme_jobs_dead_letters", "Dead letters that nobody has resolved.")
