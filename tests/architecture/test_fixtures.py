"""A fixture of the session that makes a database of one name is registered once: imported twice it is two, and one drops the other's."""

import ast
from collections import Counter
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
MAKERS = {"copy_database", "open_stack"}
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(TESTS.rglob("*.py"))}


def makes_a_database_once_a_session(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    is_of_session = any('scope="session"' in ast.unparse(each).replace("'", '"') for each in node.decorator_list)
    called = {each.func.id for each in ast.walk(node) if isinstance(each, ast.Call) and isinstance(each.func, ast.Name)}
    return is_of_session and bool(MAKERS & called)


def test_a_database_of_the_session_is_made_once():
    makers = {
        (f"tests.{path.relative_to(TESTS).with_suffix('').as_posix().replace('/', '.')}", node.name)
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and makes_a_database_once_a_session(node)
    }
    assert {"sound", "stack"} <= {name for _, name in makers}
    imports = Counter(
        (node.module, each.name)
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for each in node.names
    )
    assert {maker: imports[maker] for maker in makers if imports[maker] > 1} == {}
