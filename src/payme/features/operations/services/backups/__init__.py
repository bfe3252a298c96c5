"""Backups: made, listed, verified, restored, drilled, pruned. What a backup is: an encrypted dump, and a manifest written last."""
