"""A source file as the rules see it: where it stands, its tree, its comments and its allowances.

Invariant: a file is read, parsed and tokenised once, however many rules look at it.
"""

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

ALLOWANCE = re.compile(r"#\s*house:\s*allow\s+(?P<code>[a-z-]+)\b(?P<reason>.*)")


@dataclass(frozen=True, slots=True)
class Finding:
    """One place that breaks one rule; `line` counts from 1."""

    path: str
    line: int
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.code} {self.message}"


@dataclass(frozen=True)
class Source:
    """One file of Python, by its path from the root of the repository, with forward slashes."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed module."""
        return ast.parse(self.text, self.path)

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Every node of the tree, outer before inner."""
        return tuple(ast.walk(self.tree))

    @cached_property
    def comments(self) -> dict[int, str]:
        """Each comment by its line."""
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        return {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}

    @cached_property
    def allowances(self) -> dict[int, str]:
        """The code that each `# house: allow` names, by its line."""
        matches = ((line, ALLOWANCE.search(comment)) for line, comment in self.comments.items())
        return {line: match["code"] for line, match in matches if match}

    @cached_property
    def constants(self) -> dict[str, ast.expr]:
        """What each name is assigned at the top of the module."""
        assigned: dict[str, ast.expr] = {}
        for statement in self.tree.body:
            if isinstance(statement, ast.Assign):
                assigned.update((each.id, statement.value) for each in statement.targets if isinstance(each, ast.Name))
            elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value:
                assigned[statement.target.id] = statement.value
        return assigned

    def is_in(self, *places: str) -> bool:
        """Say whether the file lies in one of these places; `*` stands for one folder or file name."""
        parents = (PurePosixPath(self.path), *PurePosixPath(self.path).parents)
        return any(str(parent) != "." and parent.match(place) for parent in parents for place in places)


@dataclass(frozen=True, slots=True)
class Rule:
    """A house rule: where it holds, where it does not, and how a breach is found."""

    code: str
    find: Callable[[Source], Iterable[tuple[int, str]]]
    within: tuple[str, ...]
    without: tuple[str, ...] = ()

    def holds_in(self, source: Source) -> bool:
        """Say whether the rule has a word to say about this file."""
        return source.is_in(*self.within) and not (self.without and source.is_in(*self.without))
