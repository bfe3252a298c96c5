"""What can be broken in a function without knowing what it is for: its whole body, or one sign in it.

Nothing is run here; a variant is a new syntax tree of the file. Invariant: an identifier names the same variant for as long as
the function's own text is the same, wherever the function stands in the file.
"""

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
_PAIRS: tuple[tuple[type[ast.AST], type[ast.AST]], ...] = (
    (ast.Lt, ast.LtE),
    (ast.Gt, ast.GtE),
    (ast.Eq, ast.NotEq),
    (ast.Is, ast.IsNot),
    (ast.In, ast.NotIn),
    (ast.Add, ast.Sub),
    (ast.And, ast.Or),
)
SWAPPED: dict[type[ast.AST], Any] = {one: other for pair in _PAIRS for one, other in (pair, pair[::-1])}
SWAPPED.update({ast.Mult: ast.Add, ast.FloorDiv: ast.Mult})
EMPTY = {
    "bool": ("False", "True"),
    "int": ("0",),
    "str": ("''",),
    "bytes": ("b''",),
    "Decimal": ("__import__('decimal').Decimal(0)",),
    "dict": ("{}",),
    "Mapping": ("{}",),
    "list": ("[]",),
    "Sequence": ("()",),
    "Iterable": ("()",),
    "Iterator": ("iter(())",),
    "set": ("set()",),
    "frozenset": ("frozenset()",),
}


@dataclass(frozen=True, slots=True)
class Variant:
    """One broken form of a function: `change` says what, `lines` are those whose tests know."""

    file: str
    function: str
    change: str
    line: int
    lines: tuple[int, int]

    @property
    def name(self) -> str:
        """A name for reports and for the list of judged survivors."""
        return f"{self.file}:{self.function} {self.change}"


def functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, FunctionNode]]:
    """Yield the functions and methods of a file with their qualified names, except those that do nothing by design."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef):
            yield from functions(node, f"{prefix}{node.name}.")
        elif isinstance(node, FunctionNode) and _body(node):
            yield f"{prefix}{node.name}", node


def gutted(file: str, text: str) -> Iterator[Variant]:
    """Yield every function with its body gone; one that says yes or no in both ways."""
    for qualified, node in functions(ast.parse(text)):
        for value in _neutral(node):
            yield Variant(file, qualified, f"returns {value}", _first_line(node), _lines(node))


def flipped(file: str, text: str) -> Iterator[Variant]:
    """Yield every function with one comparison, sign, connective or constant changed."""
    for qualified, node in functions(ast.parse(text)):
        for number, (place, words) in enumerate(_places(node)):
            change = f"#{number} line +{place.lineno - node.lineno}: {words}"
            yield Variant(file, qualified, change, _first_line(node), (place.lineno, place.end_lineno or place.lineno))


def broken(text: str, variant: Variant) -> ast.Module:
    """Return the syntax tree of the file with the variant in it."""
    tree = ast.parse(text)
    node = dict(functions(tree))[variant.function]
    if variant.change.startswith("returns "):
        _gut(node, variant.change.removeprefix("returns "))
    else:
        number = int(variant.change.split()[0].removeprefix("#"))
        place = [place for place, _ in _places(node)][number]
        _flip(place)
    return ast.fix_missing_locations(tree)


def _body(node: FunctionNode) -> list[ast.stmt]:
    body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    bare = [each for each in body if not isinstance(each, ast.Pass)]
    return [each for each in bare if not (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))]


def _first_line(node: FunctionNode) -> int:
    return node.decorator_list[0].lineno if node.decorator_list else node.lineno


def _lines(node: FunctionNode) -> tuple[int, int]:
    return _body(node)[0].lineno, node.end_lineno or node.lineno


def _neutral(node: FunctionNode) -> tuple[str, ...]:
    if _is_generator(node):
        manages = any("contextmanager" in ast.unparse(each) for each in node.decorator_list)
        return ("(yield)",) if manages else ("nothing",)
    told = node.returns
    if told is None or (isinstance(told, ast.Constant) and told.value is None):
        return ("None",)
    if isinstance(told, ast.Subscript) and ast.unparse(told.value) == "tuple":
        several = isinstance(told.slice, ast.Tuple) and ast.unparse(told.slice.elts[-1]) == "..."
        return ("()",) if several else ("None",)
    plain = ast.unparse(told.value if isinstance(told, ast.Subscript) else told)
    return EMPTY.get(plain, ("None",))


def _is_generator(node: FunctionNode) -> bool:
    nested = {
        id(each)
        for inner in ast.walk(node)
        if isinstance(inner, FunctionNode | ast.Lambda) and inner is not node
        for each in ast.walk(inner)
    }
    return any(isinstance(each, ast.Yield | ast.YieldFrom) and id(each) not in nested for each in ast.walk(node))


def _gut(node: FunctionNode, value: str) -> None:
    if value == "nothing":
        source = "return\nyield"
    elif value == "(yield)":
        source = "yield"
    else:
        source = f"return {value}"
    # The names of the closure stay, so that the code fits the function that is there.
    node.body = [
        *_wrapped(source),
        *([ast.If(ast.Constant(value=False), node.body, [])] if value not in {"nothing", "(yield)"} else []),
    ]


def _wrapped(source: str) -> list[ast.stmt]:
    lines = "\n    ".join(source.split("\n"))
    made = ast.parse(f"def made():\n    {lines}").body[0]
    assert isinstance(made, ast.FunctionDef)
    return made.body


def _places(node: FunctionNode) -> list[tuple[ast.expr, str]]:
    """Return what can be flipped in a function, in the order of the text; annotations and assertions are left alone."""
    found: list[tuple[ast.expr, str]] = []
    for statement in _body(node):
        for each in _expressions(statement):
            words = _words(each)
            if words:
                found.append((each, words))
    return found


def _expressions(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.Assert | ast.JoinedStr | ast.arguments):
        return
    if isinstance(node, ast.expr):
        yield node
    for child in ast.iter_child_nodes(node):
        is_annotation = isinstance(node, ast.AnnAssign) and child is node.annotation
        if not is_annotation:
            yield from _expressions(child)


def _words(node: ast.expr) -> str:
    before = ast.unparse(node)
    after = copy.deepcopy(node)
    if not _flip(after):
        return ""
    return f"{before} -> {ast.unparse(after)}"


def _flip(node: ast.expr) -> bool:
    match node:
        case ast.Compare(ops=[only]) if type(only) in SWAPPED:
            node.ops = [SWAPPED[type(only)]()]
        case ast.BinOp(op=sign) if type(sign) in SWAPPED:
            node.op = SWAPPED[type(sign)]()
        case ast.BoolOp(op=link):
            node.op = SWAPPED[type(link)]()
        case ast.UnaryOp(op=ast.Not()):
            node.op = ast.UAdd()
            node.operand = ast.Call(ast.Name("bool", ast.Load()), [node.operand], [])
        case ast.Constant(value=bool(value)):
            node.value = not value
        case ast.Constant(value=int(value)):
            node.value = value + 1
        case _:
            return False
    return True
