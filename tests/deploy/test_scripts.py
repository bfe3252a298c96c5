"""The scripts of a deployment, run as they are: against a server of this test's own, and against stand-ins for programs of others."""

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from tests.deploy.programs import program

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "deploy" / "scripts"
REVISION = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "of-the-test"


def run(*command: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program with nothing but PATH and the given variables."""
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **variables}
    words = [str(word) for word in command]
    return subprocess.run(words, cwd=ROOT, env=environment, text=True, capture_output=True, timeout=60, check=False)


def deploy(target: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return run(SCRIPTS / "deploy.sh", target, REVISION=REVISION, POLL_SECONDS="0.1", **variables)


class Place(BaseHTTPRequestHandler):
    """A place that is deployed to: `/hook` and `/services/…` restart it, `/health` says for how long it has been up."""

    calls: ClassVar[list[tuple[str, str, Any]]] = []
    up_since: ClassVar[float] = 0.0
    restarts: ClassVar[bool] = True
    release: ClassVar[str] = "unknown"
    status: ClassVar[int] = 200

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        Place.calls.append((self.path, self.headers["Authorization"], body))
        if Place.restarts and Place.status < 300:
            Place.up_since = time.monotonic()
        self._answer(Place.status, {})

    def do_GET(self):
        up = int(time.monotonic() - Place.up_since)
        self._answer(200, {"status": "healthy", "uptime_seconds": up, "release": Place.release})

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name in the standard library
        """Stay quiet."""


@pytest.fixture
def place() -> Iterator[str]:
    Place.calls, Place.restarts, Place.status, Place.release = [], True, 200, "unknown"
    Place.up_since = time.monotonic() - 1_000_000
    with ThreadingHTTPServer(("127.0.0.1", 0), Place) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def stand_in(folder: Path, name: str) -> dict[str, str]:
    """Put a program of that name first in PATH that writes down its arguments and standard input; return the variables."""
    script = folder / name
    script.write_text(f'#!/bin/sh\necho "{name} $*" >> "{folder}/calls"\ncat > /dev/null\n')
    script.chmod(0o755)
    return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


@pytest.mark.parametrize(
    "script", sorted([*SCRIPTS.glob("*.sh"), *(ROOT / "deploy" / "compose").glob("*.sh")]), ids=str
)
def test_shellcheck_has_nothing_to_say(script: Path):
    done = run(program("shellcheck"), script)
    assert (done.returncode, done.stdout) == (0, "")
    assert os.access(script, os.X_OK)


def test_a_hook_is_told_and_the_new_process_awaited(place: str):
    done = deploy(
        "hook", HEALTH_URL=f"{place}/health", HOOK_URL=f"{place}/hook?id=7", DEPLOY_TOKEN=TOKEN, IMAGE="x@sha256:1"
    )
    assert done.returncode == 0, done.stderr
    assert Place.calls == [("/hook?id=7", f"Bearer {TOKEN}", {"revision": REVISION, "image": "x@sha256:1"})]
    assert REVISION in done.stderr
    assert "healthy, and up for 0 s" in done.stderr


def test_a_refused_hook_fails_and_shows_no_token(place: str):
    Place.status = 403
    done = deploy("hook", HEALTH_URL=f"{place}/health", HOOK_URL=f"{place}/hook", DEPLOY_TOKEN=TOKEN)
    assert done.returncode == 1
    assert "answered 403" in done.stderr
    assert TOKEN not in done.stderr + done.stdout


def test_an_old_process_that_stays_is_not_taken_for_the_new_one(place: str):
    Place.restarts = False
    done = deploy(
        "hook", HEALTH_URL=f"{place}/health", HOOK_URL=f"{place}/hook", DEPLOY_TOKEN=TOKEN, DEPLOY_SECONDS="1"
    )
    assert done.returncode == 1
    assert "no new healthy process within 1 s" in done.stderr


@pytest.mark.parametrize(("release", "code"), [(REVISION, 0), ("f" * 40, 1), ("v12", 0)])
def test_a_process_that_was_started_again_with_the_old_commit_is_not_the_new_one(place: str, release: str, code: int):
    Place.release = release
    done = deploy(
        "hook", HEALTH_URL=f"{place}/health", HOOK_URL=f"{place}/hook", DEPLOY_TOKEN=TOKEN, DEPLOY_SECONDS="1"
    )
    assert done.returncode == code, done.stderr


def test_render_is_told_the_commit_for_each_service(place: str):
    done = deploy(
        "render",
        HEALTH_URL=f"{place}/health",
        RENDER_API_URL=place,
        RENDER_API_KEY=TOKEN,
        RENDER_SERVICES="srv-api srv-worker",
    )
    assert done.returncode == 0, done.stderr
    wanted = [f"/services/{name}/deploys" for name in ("srv-api", "srv-worker")]
    assert Place.calls == [(path, f"Bearer {TOKEN}", {"commitId": REVISION}) for path in wanted]


def test_ssh_installs_then_restarts(place: str, tmp_path: Path):
    head = run("git", "rev-parse", "HEAD").stdout.strip()
    variables = stand_in(tmp_path, "ssh")
    Place.up_since = time.monotonic() + 1
    done = run(
        SCRIPTS / "deploy.sh",
        "ssh",
        REVISION=head,
        HEALTH_URL=f"{place}/health",
        SSH_TARGET="payme@shop",
        POLL_SECONDS="0.1",
        **variables,
    )
    assert done.returncode == 0, done.stderr
    install, restart = (tmp_path / "calls").read_text().splitlines()
    assert f'deploy/scripts/install_release.sh" {head[:12]}' in install
    assert restart.endswith("payme@shop sudo systemctl restart payme-api.service payme-worker.service")


def test_helm_gets_the_digest_and_nothing_else_names_the_image(place: str, tmp_path: Path):
    variables = stand_in(tmp_path, "helm")
    common = {"HEALTH_URL": f"{place}/health", "HELM_CHART": "oci://r.example/payme", **variables}
    assert "has to end with its digest" in deploy("helm", IMAGE="r.example/payme:1", **common).stderr
    Place.up_since = time.monotonic() + 1
    assert deploy("helm", IMAGE="r.example/payme@sha256:abc", **common).returncode == 0
    call = (tmp_path / "calls").read_text()
    assert "--set-string image.repository=r.example/payme --set-string image.digest=sha256:abc" in call
    assert call.startswith("helm upgrade payme oci://r.example/payme --install --namespace payme ")
    assert "--values" not in call


def test_helm_takes_a_chart_and_values_by_path_and_says_which_is_not_there(place: str, tmp_path: Path):
    chart, values = tmp_path / "chart", tmp_path / "production.yaml"
    variables = {"HEALTH_URL": f"{place}/health", "IMAGE": "r.example/payme@sha256:abc", **stand_in(tmp_path, "helm")}
    variables |= {"HELM_CHART": str(chart), "HELM_VALUES": str(values)}
    assert f"there is no chart at {chart}" in deploy("helm", **variables).stderr
    chart.mkdir()
    assert f"there is no values file at {values}" in deploy("helm", **variables).stderr
    assert not (tmp_path / "calls").exists()
    values.touch()
    Place.up_since = time.monotonic() + 1
    done = deploy("helm", **variables)
    assert done.returncode == 0, done.stderr
    assert f"--reset-then-reuse-values --values {values} " in (tmp_path / "calls").read_text()


def test_helm_takes_the_chart_of_this_repository_unless_another_is_named(place: str, tmp_path: Path):
    variables = {"HEALTH_URL": f"{place}/health", "IMAGE": "r.example/payme@sha256:abc", **stand_in(tmp_path, "helm")}
    Place.up_since = time.monotonic() + 1
    assert deploy("helm", **variables).returncode == 0
    _, _, release, chart, *_ = (tmp_path / "calls").read_text().split()
    assert release == "payme"
    assert Path(chart).resolve() == SCRIPTS.parent / "helm" / "payme"


def test_railway_builds_each_service_from_the_commit_and_gets_no_token_as_argument(place: str, tmp_path: Path):
    head = run("git", "rev-parse", "HEAD").stdout.strip()
    script = '#!/bin/sh\necho "railway $* token=${RAILWAY_TOKEN} $(ls Dockerfile railway.json)" >> "${CALLS}"\n'
    (tmp_path / "railway").write_text(script)
    (tmp_path / "railway").chmod(0o755)
    Place.up_since = time.monotonic() + 1
    done = run(
        SCRIPTS / "deploy.sh",
        "railway",
        REVISION=head,
        HEALTH_URL=f"{place}/health",
        RAILWAY_TOKEN=TOKEN,
        RAILWAY_SERVICES="payme-api payme-worker",
        POLL_SECONDS="0.1",
        CALLS=str(tmp_path / "calls"),
        PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
    )
    assert done.returncode == 0, done.stderr
    calls = (tmp_path / "calls").read_text().replace("\n", " ").split("railway up ")[1:]
    assert [call.split(" token=")[0] for call in calls] == ["--ci --service payme-api", "--ci --service payme-worker"]
    assert all(f"token={TOKEN} Dockerfile railway.json" in call for call in calls)


def test_ci_gives_ssh_its_key_and_forgets_it_afterwards(place: str, tmp_path: Path):
    program("ssh-agent")
    private = ed25519.Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    script = '#!/bin/sh\ncat > /dev/null\necho "$(ssh-add -l) ${SSH_KEY:-no key} ${SSH_AUTH_SOCK}" >> "${CALLS}"\n'
    (tmp_path / "ssh").write_text(script)
    (tmp_path / "ssh").chmod(0o755)
    Place.up_since = time.monotonic() + 1
    done = run(
        SCRIPTS / "deploy_from_ci.sh",
        REVISION=run("git", "rev-parse", "HEAD").stdout.strip(),
        DEPLOY_TARGET="ssh",
        HEALTH_URL=f"{place}/health",
        SSH_TARGET="payme@shop",
        SSH_KNOWN_HOSTS="shop ssh-ed25519 AAAA",
        SSH_KEY=pem.decode(),
        POLL_SECONDS="0.1",
        CALLS=str(tmp_path / "calls"),
        PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        HOME=str(tmp_path),
    )
    assert done.returncode == 0, done.stderr
    first, second = (tmp_path / "calls").read_text().splitlines()
    assert first == second
    assert "(ED25519) no key" in first
    assert (tmp_path / ".ssh" / "known_hosts").read_text() == "shop ssh-ed25519 AAAA\n"
    deadline = time.monotonic() + 10
    while Path(first.split()[-1]).exists():
        assert time.monotonic() < deadline, "the agent with the key is still there"
        time.sleep(0.05)


@pytest.mark.parametrize("target", ["render", "railway", "ssh", "helm", "hook"])
def test_what_is_missing_is_named_before_anything_is_done(target: str):
    assert "HEALTH_URL is not set" in deploy(target).stderr
    done = deploy(target, HEALTH_URL="http://127.0.0.1:1/health")
    assert done.returncode == 1
    assert " is not set" in done.stderr


def test_a_target_that_is_none_is_refused():
    assert run(SCRIPTS / "deploy.sh", "ftp", HEALTH_URL="http://127.0.0.1:1").returncode == 2


def install(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(SCRIPTS / "install_release.sh", *arguments, PAYME_HOME=str(home))


def test_releases_are_switched_kept_and_gone_back_to(tmp_path: Path):
    for number in range(1, 8):
        release = tmp_path / "releases" / f"r{number}"
        (release / "bin").mkdir(parents=True)
        (release / "bin" / "payme").touch(mode=0o755)
        (release / ".complete").touch()
        os.utime(release, (number, number))
    assert "there is no release before" in (install(tmp_path, "r6"), install(tmp_path, "--back"))[1].stderr
    assert install(tmp_path, "r7").returncode == 0
    assert (tmp_path / "current").readlink() == Path("releases/r7")
    assert install(tmp_path, "--back").returncode == 0
    assert (tmp_path / "current").readlink() == Path("releases/r6")
    kept = {each.name for each in (tmp_path / "releases").iterdir()}
    assert {"r6", "r7"} <= kept
    assert len(kept) == 5


@pytest.mark.parametrize("name", ["../elsewhere", "a b", "-x"])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str):
    assert install(tmp_path, name).returncode == 2
    assert list(tmp_path.iterdir()) == []


def test_the_smoke_test_fails_where_nothing_answers():
    done = run(SCRIPTS / "smoke.sh", "http://127.0.0.1:1")
    assert done.returncode == 1
    assert done.stdout.count("failed  ") == 7
