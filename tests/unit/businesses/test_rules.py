from itertools import pairwise

from payme.features.businesses.rules import next_prefix

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


def test_prefixes_come_in_the_order_that_people_expect():
    expected = [f"{letter}{n}" for decade in (range(1, 10), range(10, 19)) for letter in LETTERS for n in decade]
    for number, (before, after) in enumerate(pairwise(expected[:-1])):
        assert next_prefix(expected[: number + 1]) == after, before
    assert next_prefix(()) == "A1"
    assert next_prefix(set(expected)) == "A19"


def test_a_prefix_that_was_left_out_is_the_first_free_one():
    assert next_prefix(["A1", "A3", "B2"]) == "A2"
