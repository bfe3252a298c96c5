"""A store in a bucket of S3 or of what speaks like it. A large object goes in parts and appears when the last one is confirmed.

Each call is bounded in time and in tries; a read that breaks off goes on where it was. Nothing here changes a bucket's settings.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

import boto3  # pyright: ignore[reportMissingTypeStubs] -- the library is untyped
from botocore import exceptions  # pyright: ignore[reportMissingTypeStubs] -- the library is untyped
from botocore.config import Config  # pyright: ignore[reportMissingTypeStubs] -- the library is untyped
from urllib3.exceptions import HTTPError

from payme.integrations.objectstore.port import ObjectMissing, StoredObject, StoreRefused, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from payme.integrations.objectstore.port import ObjectReader, ObjectWriter, S3Access

# Source: S3 takes at most 10,000 parts, each but the last of 5 MiB or more: so a backup may have 156 GiB.
_PART_BYTES: Final = 16 << 20
_TRIES: Final = 4
_CONNECT_SECONDS: Final = 10
_READ_SECONDS: Final = 60
_MISSING: Final = frozenset({"NoSuchKey", "404", "NotFound"})
_LATER: Final = 500


class S3Store:
    """Objects under a prefix of one bucket."""

    def __init__(self, bucket: str, prefix: str, access: S3Access) -> None:
        """Prepare a client; nothing is sent yet."""
        self.bucket, self.prefix = bucket, f"{prefix}/" if prefix else ""
        settings = Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": _TRIES},
            # Stores that only speak like S3 do not all know the newer checksums; ours is in the manifest.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": "path"} if access.endpoint_url else None,
        )
        self._client: Any = boto3.client(  # pyright: ignore[reportUnknownMemberType] -- the library is untyped
            "s3",
            endpoint_url=access.endpoint_url,
            region_name=access.region,
            aws_access_key_id=access.access_key,
            aws_secret_access_key=access.secret_key,
            config=settings,
        )

    @property
    def place(self) -> str:
        """Where it is."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    @contextlib.contextmanager
    def writing(self, key: str) -> Generator[ObjectWriter]:
        """Open an object to be written; what was sent is thrown away unless the block ends well."""
        upload = _Upload(self, key)
        try:
            yield upload
            upload.complete()
        except BaseException:
            upload.abandon()
            raise

    @contextlib.contextmanager
    def reading(self, key: str) -> Generator[ObjectReader]:
        """Open an object to be read."""
        download = _Download(self, key)
        try:
            download.begin()
            yield download
        finally:
            download.close()

    def list_objects(self, prefix: str = "") -> Sequence[StoredObject]:
        """Return what is there whole, by key."""
        found: list[StoredObject] = []
        with self.in_words(prefix):
            pages: Any = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self.bucket, Prefix=self.prefix + prefix):
                for each in page.get("Contents", ()):
                    key = each["Key"].removeprefix(self.prefix)
                    found.append(StoredObject(key, each["Size"], each["LastModified"].astimezone(UTC)))
        return sorted(found, key=lambda each: each.key)

    def remove(self, key: str) -> None:
        """Remove an object."""
        self.call("delete_object", key)

    def call(self, operation: str, key: str, **more: Any) -> Any:
        """Make one call about one object."""
        with self.in_words(key):
            return getattr(self._client, operation)(Bucket=self.bucket, Key=self.prefix + key, **more)

    @contextlib.contextmanager
    def in_words(self, key: str) -> Generator[None]:
        """Translate the library's errors."""
        try:
            yield
        except exceptions.ClientError as error:
            details: Any = error.response
            code, status = details["Error"]["Code"], details["ResponseMetadata"]["HTTPStatusCode"]
            message = f"{self.place} refused ({code}, {status})."
            if code in _MISSING:
                raise ObjectMissing(f"{self.place} holds no {key}.", provider="s3", code=code) from error
            kind = StoreUnavailable if status >= _LATER or status in {408, 429} else StoreRefused
            raise kind(message, provider="s3", code=code) from error
        except (exceptions.HTTPClientError, exceptions.ConnectionError, HTTPError, OSError) as error:
            message = f"{self.place} does not answer ({type(error).__name__})."
            raise StoreUnavailable(message, provider="s3") from error
        except exceptions.BotoCoreError as error:
            raise StoreRefused(f"{self.place}: {type(error).__name__}.", provider="s3") from error


@dataclass(slots=True)
class _Upload:
    """An object on its way in, at most one part of it in memory."""

    store: S3Store
    key: str
    upload_id: str | None = None
    parts: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    waiting: bytearray = field(default_factory=bytearray)

    def write(self, data: bytes, /) -> int:
        self.waiting += data
        while len(self.waiting) >= _PART_BYTES:
            self._send(bytes(self.waiting[:_PART_BYTES]))
            del self.waiting[:_PART_BYTES]
        return len(data)

    def complete(self) -> None:
        if self.upload_id is None:
            self.store.call("put_object", self.key, Body=bytes(self.waiting))
            return
        if self.waiting:
            self._send(bytes(self.waiting))
        parts = {"Parts": self.parts}
        self.store.call("complete_multipart_upload", self.key, UploadId=self.upload_id, MultipartUpload=parts)

    def abandon(self) -> None:
        if self.upload_id is not None:
            # What cannot be thrown away now is invisible, and goes by the bucket's rule for unfinished uploads.
            with contextlib.suppress(StoreUnavailable, StoreRefused):
                self.store.call("abort_multipart_upload", self.key, UploadId=self.upload_id)

    def _send(self, part: bytes) -> None:
        if self.upload_id is None:
            self.upload_id = self.store.call("create_multipart_upload", self.key)["UploadId"]
        number = len(self.parts) + 1
        sent = self.store.call("upload_part", self.key, UploadId=self.upload_id, PartNumber=number, Body=part)
        self.parts.append({"ETag": sent["ETag"], "PartNumber": number})


@dataclass(slots=True)
class _Download:
    """An object on its way out; a connection that breaks is replaced by one that begins where it broke."""

    store: S3Store
    key: str
    place: int = 0
    size: int = 0
    tag: str = ""
    body: Any = None

    def begin(self) -> None:
        answer = self.store.call("get_object", self.key)
        self.body, self.size, self.tag = answer["Body"], answer["ContentLength"], answer["ETag"]

    def read(self, size: int = -1, /) -> bytes:
        for attempt in range(1, _TRIES + 1):
            try:
                with self.store.in_words(self.key):
                    data: bytes = self.body.read(None if size < 0 else size)
                    if not data and size != 0 and self.place < self.size:
                        raise ConnectionError
            except StoreUnavailable:
                if attempt == _TRIES:
                    raise
                self._go_on()
            else:
                self.place += len(data)
                return data
        raise AssertionError

    def close(self) -> None:
        if self.body is not None:
            self.body.close()

    def _go_on(self) -> None:
        self.close()
        answer = self.store.call("get_object", self.key, Range=f"bytes={self.place}-", IfMatch=self.tag)
        self.body = answer["Body"]
