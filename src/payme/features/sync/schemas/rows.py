"""Rows on the wire, in the form that RxDB's replication speaks: a new state and the one that it was made from."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, RootModel

from payme.features.sync.enums import Choice, ConflictKind, Kind, Outcome, Strategy

MOST_OPERATIONS = 200
LARGEST_PAGE = 1_000
_ID = "01936f0e-7c2a-7b4e-9d53-7f5d2a1c0b11"
_NOTE: dict[str, Any] = {"id": _ID, "text": "Bring the ladder back", "hlc": "1795248000000-0-till1", "_deleted": False}


class Document(BaseModel):
    """A document of a collection: its id, and whatever the collection holds."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [_NOTE]})

    id: UUID

    def fields(self) -> dict[str, Any]:
        """Return what was sent besides the id."""
        return dict(self.model_extra or {})


class PushRow(BaseModel):
    """A change that a device made, and the state it was made from; without one the device made the document."""

    model_config = ConfigDict(
        populate_by_name=True, json_schema_extra={"examples": [{"newDocumentState": _NOTE, "assumedMasterState": None}]}
    )

    new: Document = Field(alias="newDocumentState")
    assumed: Document | None = Field(default=None, alias="assumedMasterState")


class Push(RootModel[list[PushRow]]):
    """The changes of one push, 200 at most."""

    model_config = ConfigDict(json_schema_extra={"examples": [[{"newDocumentState": _NOTE}]]})


class Checkpoint(BaseModel):
    """How far a device has read."""

    epoch: int = Field(ge=1)
    seq: int = Field(ge=0)
    id: UUID


class PulledPage(BaseModel):
    """Documents in the order in which they changed; a page holds exactly `limit` of them unless it is the last."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"documents": [{**_NOTE, "rev": 7}], "checkpoint": {"epoch": 3, "seq": 1187, "id": _ID}},
            ]
        }
    )

    documents: list[Document]
    checkpoint: Checkpoint


class ConflictView(BaseModel):
    """A clash of two changes, with all three states; where `outcome` is open and there is no `choice`, a person is waited for."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"id": _ID, "collection": "notes", "document_id": _ID, "kind": "modified", "strategy": "merge",
                 "outcome": "open", "fields": ["text"], "base": {"text": "Ladder"}, "client": {"text": "Ladder!"},
                 "server": {"text": "Ladder?"}, "reason": None, "device_id": None, "actor_id": _ID,
                 "recorded_at": "2026-11-22T08:00:00Z", "choice": None, "resolved_by": None, "resolved_at": None}
            ]
        }
    )  # fmt: skip

    id: UUID
    collection: str
    document_id: UUID
    kind: ConflictKind
    strategy: Strategy
    outcome: Outcome
    fields: list[str] = Field(description="What both sides changed; `_deleted` stands for the whole document")
    base: dict[str, Any] | None
    client: dict[str, Any]
    server: dict[str, Any] | None
    reason: dict[str, Any] | None = Field(
        description="For a refused change: its code, its message and what it was decided on"
    )
    device_id: UUID | None
    actor_id: UUID
    recorded_at: datetime
    choice: Choice | None
    resolved_by: UUID | None
    resolved_at: datetime | None


class ResolveConflict(BaseModel):
    """Settle an open conflict: let the server's state stand, take the device's, or write a third one."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"choice": "client"}]})

    choice: Choice
    document: dict[str, Any] | None = Field(
        default=None, description="With `merged` alone: the fields as they shall be"
    )


class CollectionView(BaseModel):
    """A collection, who wins in it, and what may be chosen instead."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"name": "notes", "kind": "shared", "strategy": "last_write_wins",
                 "allowed": ["last_write_wins", "merge", "client_wins", "server_wins"]}
            ]
        }
    )  # fmt: skip

    name: str
    kind: Kind
    strategy: Strategy | None = Field(description="Null where nothing can be pushed")
    allowed: list[Strategy]


class ChooseStrategy(BaseModel):
    """Who shall win in a collection."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"strategy": "merge"}]})

    strategy: Strategy


class DeviceExchange(BaseModel):
    """What a device exchanged last; `device_id` is null for whoever names none."""

    device_id: UUID | None
    last_push_at: datetime | None
    last_pull_at: datetime | None
    app_version: str
    contiguous_sequence: int | None = Field(default=None, description="Up to here nothing is missing")
    highest_sequence: int | None = None
    gap_since: datetime | None = Field(default=None, description="Since when numbers between the two are missing")
    missing_sequences: list[int] = Field(default_factory=list[int], description="The first hundred of them")
    pending: int | None = Field(default=None, description="How many commands the device still kept at its last push")
    oldest_pending_at: datetime | None = None
    skew_milliseconds: int | None = Field(default=None, description="By how much the device's clock is behind")


class SyncStatus(BaseModel):
    """Where the business stands, and each device."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"epoch": 1, "seq": 1187, "server_time": "2026-11-22T08:00:00Z", "open_conflicts": 0,
                 "devices": [{"device_id": _ID, "last_push_at": "2026-11-22T07:59:00Z",
                              "last_pull_at": "2026-11-22T07:59:30Z", "app_version": "1.0.0"}]}
            ]
        }
    )  # fmt: skip

    epoch: int
    seq: int
    server_time: datetime
    open_conflicts: int
    devices: list[DeviceExchange]
