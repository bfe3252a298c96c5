"""The machine room: settings, database, jobs, events, HTTP, security, logs and metrics. It knows no business words."""
