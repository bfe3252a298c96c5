"""What happened, told onwards: events stored in a transaction reach live streams and other processes after it."""
