"""Pull: the payments of the last 48 hours, asked for instead of waited for. No operator is needed, only the app."""
