"""What Hypothesis throws at the parsers of messages: any JSON, with the names and values that the parsers look for."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
    st.sampled_from(
        ["0", 0, "5.00", 190, "RKL51ZDR4F", "OAK0000000", "20231121121325", "21.11.2023 12:13:25", "-5.10"]
    ),
)


VALUES = st.one_of(
    SCALARS, st.lists(SCALARS, max_size=2), st.dictionaries(st.sampled_from(["Key", "Value"]), SCALARS, max_size=2)
)


def any_json(names: Sequence[str]) -> st.SearchStrategy[Any]:
    """Return values of any shape whose keys are often the given names, sometimes in another case."""
    keys = st.one_of(st.text(max_size=5), st.sampled_from(names), st.sampled_from([name.lower() for name in names]))
    return st.recursive(
        SCALARS,
        lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=6)),
        max_leaves=14,
    )


def scalars_in(value: object) -> Iterator[object]:
    """Yield everything in a value that is neither an object nor an array."""
    if isinstance(value, dict):
        for child in value.values():
            yield from scalars_in(child)
    elif isinstance(value, list):
        for child in value:
            yield from scalars_in(child)
    else:
        yield value


def texts_in(value: object) -> set[str]:
    """Return the scalars of a value as text, as JSON writes them, without outer spaces."""
    written = (leaf if isinstance(leaf, str) else json.dumps(leaf) for leaf in scalars_in(value))
    return {text.strip() for text in written}
