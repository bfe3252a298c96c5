"""Settings out of AWS Secrets Manager, from a stand-in that speaks its HTTP and checks the signature of each call by itself."""

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from payme.runtime.secrets import load_settings
from payme.runtime.settings import Settings, SettingsError

KEY_ID, KEY = "AKIDEXAMPLE", "a key of nobody's"
SECRET = "a-signing-secret-of-32-characters-or-more"
CANARY = "canary-that-nobody-may-read"


class Manager(ThreadingHTTPServer):
    """The service: what it holds, and how it answers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.held: dict[str, str] = {}
        self.is_broken = False
        self.asked: list[tuple[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Answers(BaseHTTPRequestHandler):
    server: Manager  # pyright: ignore[reportIncompatibleVariableOverride] -- it is started by no other

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.is_broken:
            self.answer(500, {"__type": "InternalServiceError"})
        elif not self.is_signed(body):
            self.answer(403, {"__type": "InvalidSignatureException"})
        else:
            name = json.loads(body)["SecretId"]
            self.server.asked.append((self.headers["X-Amz-Target"], name))
            found = self.server.held.get(name)
            missing = {"__type": "ResourceNotFoundException", "Message": "Secrets Manager can't find it."}
            self.answer(200 if found else 400, {"Name": name, "SecretString": found} if found else missing)

    def is_signed(self, body: bytes) -> bool:
        """Compute the signature anew. Source: AWS Signature Version 4, the canonical request and the signing key."""
        _, _, rest = self.headers["Authorization"].partition(" ")
        parts = dict(part.strip().split("=", 1) for part in rest.split(","))
        scope = parts["Credential"].split("/")[1:]
        names = parts["SignedHeaders"].split(";")
        headers = "".join(f"{name}:{self.headers[name].strip()}\n" for name in names)
        request = "\n".join(["POST", "/", "", headers, parts["SignedHeaders"], hashlib.sha256(body).hexdigest()])
        digest = hashlib.sha256(request.encode()).hexdigest()
        message = "\n".join(["AWS4-HMAC-SHA256", self.headers["X-Amz-Date"], "/".join(scope), digest])
        key = b"AWS4" + KEY.encode()
        for word in scope:
            key = hmac.digest(key, word.encode(), "sha256")
        right = hmac.new(key, message.encode(), hashlib.sha256).hexdigest()
        return scope[1:3] == ["af-south-1", "secretsmanager"] and hmac.compare_digest(parts["Signature"], right)

    def answer(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name in the standard library
        """Say nothing."""


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> Iterator[Manager]:
    # The library takes these from the process, as it does on a machine without an identity.
    for name, value in {"ACCESS_KEY_ID": KEY_ID, "SECRET_ACCESS_KEY": KEY, "EC2_METADATA_DISABLED": "true"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    with Manager() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def load(manager: Manager, **variables: str) -> Settings:
    environment = {
        "DATABASE_URL": "postgresql://a:b@127.0.0.1/c",
        "SECRETS_AWS_ID": "payme/test",
        "SECRETS_AWS_REGION": "af-south-1",
        "SECRETS_AWS_ENDPOINT": manager.url,
        **variables,
    }
    return load_settings(environment, env_file=None)


def test_settings_come_from_the_secret_in_its_present_version(manager: Manager):
    manager.held["payme/test"] = json.dumps({"JWT_SECRET": SECRET, "ENCRYPTION_KEY_ID": "k7"})
    settings = load(manager)
    assert (settings.jwt_secret.get_secret_value(), settings.encryption_key_id) == (SECRET, "k7")
    assert manager.asked == [("secretsmanager.GetSecretValue", "payme/test")]
    manager.held["payme/test"] = json.dumps({"JWT_SECRET": SECRET[::-1]})
    assert load(manager).jwt_secret.get_secret_value() == SECRET[::-1]


def test_what_is_given_on_the_machine_outranks_it(manager: Manager):
    manager.held["payme/test"] = json.dumps({"JWT_SECRET": SECRET, "PORT": "4000"})
    settings = load(manager, PORT="5000")
    assert (settings.port, settings.jwt_secret.get_secret_value()) == (5000, SECRET)


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (None, "was refused by AWS Secrets Manager (ResourceNotFoundException)"),
        (CANARY, "is no JSON object of texts"),
        (json.dumps([CANARY]), "is no JSON object of texts"),
        (json.dumps({"JWT_SECRET": {"inner": CANARY}}), "is no JSON object of texts"),
    ],
)
def test_a_secret_that_cannot_be_used_is_a_fault_that_shows_nothing_of_it(
    manager: Manager, held: str | None, said: str
):
    if held:
        manager.held["payme/test"] = held
    with pytest.raises(SettingsError) as caught:
        load(manager)
    assert said in caught.value.faults["SECRETS_AWS_ID"]
    assert CANARY not in str(caught.value)


def test_a_service_that_is_broken_or_away_keeps_a_process_from_starting(manager: Manager):
    manager.is_broken = True
    with pytest.raises(SettingsError) as caught:
        load(manager)
    assert set(caught.value.faults) == {"SECRETS_AWS_ID"}
    manager.is_broken = False
    manager.held["payme/test"] = json.dumps({"JWT_SECRT": SECRET})
    with pytest.raises(SettingsError) as caught:
        load(manager)
    assert "did you mean JWT_SECRET" in caught.value.faults["JWT_SECRT"]


def test_nobody_is_asked_unless_a_secret_is_named(manager: Manager):
    load(manager, SECRETS_AWS_ID="")
    assert manager.asked == []


def test_production_asks_over_https_alone(manager: Manager):
    manager.held["payme/test"] = json.dumps({"JWT_SECRET": SECRET})
    with pytest.raises(SettingsError) as caught:
        load(manager, APP_ENV="staging")
    assert caught.value.faults["SECRETS_AWS_ENDPOINT"] == "must be https in staging"
