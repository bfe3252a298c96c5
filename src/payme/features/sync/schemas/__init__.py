"""What devices send and are shown."""
