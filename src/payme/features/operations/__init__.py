"""Running a deployment: what `payme doctor` explains, invariant checks over all features, maintenance, backups.

Reads every feature below through its face. Holds no rule of the business and is never on the path of a sale.
"""
