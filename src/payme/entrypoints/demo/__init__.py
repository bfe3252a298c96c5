"""`make demo`: a whole PayMe on this machine, with a shop that has traded for 30 days. Nothing imports it."""
