"""What devices send and what they are answered."""
