"""Contract types that `.importlinter` adds to those of import-linter."""
