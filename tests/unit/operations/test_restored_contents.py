"""What a restored database lacks, or has too much, is told in words."""

from uuid import UUID

from payme.features.operations.schemas import ChainHead, Contents
from payme.features.operations.services.backups.restore import differences_of

SHOP = UUID(int=7)


def contents(version: str = "202611220160", head: str = "aa", **rows: int) -> Contents:
    return Contents(schema_version=version, rows=rows, audit_heads={SHOP: ChainHead(position=3, hash=head)})


def test_each_difference_is_named_and_the_same_is_none():
    wanted = contents(sales=3, payments=2)
    assert differences_of(wanted, contents(sales=3, payments=2)) == []
    assert differences_of(wanted, contents(sales=2, payments=2)) == ["sales has 2 rows, not 3"]
    assert differences_of(wanted, contents(sales=3)) == ["payments has None rows, not 2"]
    assert differences_of(wanted, contents(sales=3, payments=2, tills=1)) == ["tills has 1 rows, not None"]
    assert differences_of(wanted, contents("1", sales=3, payments=2)) == ["the schema is at 1, not at 202611220160"]
    assert differences_of(wanted, contents(head="bb", sales=3, payments=2)) == ["the audit chains end elsewhere"]
