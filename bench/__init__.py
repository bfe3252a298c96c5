"""Load, limits and peers: `make bench` prints ratios and writes `bench/out/latest.json`.

Lives here: a PostgreSQL of the harness's own, its bulk-made shops, the load generators and what they measure. Nothing of the
product imports this package. Invariant: a figure that was not measured is null and has a reason beside it.
"""
