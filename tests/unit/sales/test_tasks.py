"""How the jobs of sales are declared, where it decides about money."""

from payme.features.sales.tasks import tasks
from payme.features.tokens import TokensExhausted


def test_money_that_came_waits_for_a_top_up_instead_of_being_buried():
    task = next(each for each in tasks.jobs if each.name == "sales.receive_payment")
    assert TokensExhausted in task.retry_on
    assert task.attempts is not None
    assert task.backoff.longest * task.attempts >= task.backoff.give_up_after
