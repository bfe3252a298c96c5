"""What every test may use: a database of its own worker (`tests.postgres`)."""

pytest_plugins = ["tests.postgres"]
