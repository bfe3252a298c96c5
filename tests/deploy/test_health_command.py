"""The health check tells 200 from everything else, and always ends."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from payme.entrypoints import health


class Answers(BaseHTTPRequestHandler):
    """Answers with the status that the path names; `/silence` answers when the server ends."""

    over = threading.Event()

    def do_GET(self):
        if self.path == "/silence":
            self.over.wait(10)
            return
        self.send_response(int(self.path.removeprefix("/")))
        self.end_headers()
        self.wfile.write(b'{"status": "not_ready"}')

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name in the standard library
        """Stay quiet."""


@pytest.fixture
def address() -> Iterator[str]:
    Answers.over.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        Answers.over.set()
        server.shutdown()


def test_an_answer_of_200_is_healthy(address: str, capsys: pytest.CaptureFixture[str]):
    assert health.main([f"{address}/200"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("path", ["/503", "/404", "/301", "/204"])
def test_any_other_answer_is_not_and_is_shown(address: str, path: str, capsys: pytest.CaptureFixture[str]):
    assert health.main([address + path]) == 1
    assert path.removeprefix("/") in capsys.readouterr().err


def test_silence_is_not_healthy(address: str, capsys: pytest.CaptureFixture[str]):
    assert health.main([f"{address}/silence", "--seconds", "0.2"]) == 1
    assert "TimeoutError" in capsys.readouterr().err


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/readyz", "ftp://127.0.0.1/", "nonsense"])
def test_nobody_there_is_not_healthy(url: str, capsys: pytest.CaptureFixture[str]):
    assert health.main([url]) == 1
    assert url in capsys.readouterr().err


def test_it_asks_past_a_proxy_and_imports_nothing_heavy(address: str):
    program = (
        "import sys; from payme.entrypoints import health; code = health.main(sys.argv[1:]);"
        "heavy = {'pydantic', 'fastapi', 'asyncpg', 'typer'} & set(sys.modules); assert not heavy, heavy; sys.exit(code)"
    )
    command = [sys.executable, "-c", program, f"{address}/200"]
    environment = {
        "PYTHONPATH": ":".join(sys.path),
        "http_proxy": "http://127.0.0.1:1",
        "HTTP_PROXY": "http://127.0.0.1:1",
    }
    done = subprocess.run(command, env=environment, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
