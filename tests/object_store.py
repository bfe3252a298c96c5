"""A real S3-compatible store for tests: SeaweedFS, as a process of its own on loopback, in a folder that the test gives."""

import json
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

import boto3
from botocore.config import Config

PROGRAM = Path(sys.executable).parent / "weed"
ACCESS_KEY, SECRET_KEY, BUCKET = "backup-writer", "secret-of-the-store", "payme-backups"
START_SECONDS = 60.0
ACTIONS = ["Admin", "Read", "List", "Tagging", "Write"]
PORTS = (
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
    "s3.port",
    "s3.port.grpc",
)


class SeaweedProcess:
    """One server of one bucket; a context manager. `place` is where it keeps its files."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> dict[str, str]:
        """The settings of a deployment that keeps its backups here."""
        return {
            "BACKUP_STORE": f"s3://{BUCKET}/shop",
            "BACKUP_S3_ENDPOINT": self.endpoint,
            "BACKUP_S3_ACCESS_KEY": ACCESS_KEY,
            "BACKUP_S3_SECRET_KEY": SECRET_KEY,
        }

    def client(self) -> Any:
        settings = Config(
            retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=10, s3={"addressing_style": "path"}
        )
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            config=settings,
        )

    def list_keys(self) -> list[str]:
        """Every object in the bucket."""
        return sorted(each["Key"] for each in self.client().list_objects_v2(Bucket=BUCKET).get("Contents", ()))

    def __enter__(self) -> Self:
        known = {
            "identities": [
                {
                    "name": "payme",
                    "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
                    "actions": ACTIONS,
                }
            ]
        }
        config = self.place / "s3.json"
        config.write_text(json.dumps(known))
        ports = _free_ports(len(PORTS))
        self.port = ports[PORTS.index("s3.port")]
        command = [
            str(PROGRAM), "-logtostderr=true", "server", f"-dir={self.place}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3", "-filer",
            f"-s3.config={config}", "-master.volumeSizeLimitMB=64", "-volume.max=20", "-s3.port.iceberg=0", "-s3.port.lance=0",
            *(f"-{name}={port}" for name, port in zip(PORTS, ports, strict=True)),
        ]  # fmt: skip
        with (self.place / "weed.log").open("wb") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.place)
        self._wait()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        for left in self.place.iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()

    def stop(self) -> None:
        """End the server at once; its files stay."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _wait(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS
        problem = ""
        while time.monotonic() < deadline:
            assert self._process.poll() is None, (self.place / "weed.log").read_text()[-2000:]
            try:
                client = self.client()
                if BUCKET not in [each["Name"] for each in client.list_buckets()["Buckets"]]:
                    client.create_bucket(Bucket=BUCKET)
                client.put_object(Bucket=BUCKET, Key="ready", Body=b"x")
                client.delete_object(Bucket=BUCKET, Key="ready")
            except Exception as error:
                problem = repr(error)
                time.sleep(0.1)
            else:
                return
        raise AssertionError(f"the store did not start: {problem}\n{(self.place / 'weed.log').read_text()[-2000:]}")


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
