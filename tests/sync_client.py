"""A device as a test plays it: it knows what it pulled, changes documents, and pushes them in the form of RxDB's replication."""

from dataclasses import dataclass, field
from typing import Any

import httpx2

from payme.kit.ids import new_id


@dataclass
class Device:
    """One collection at one device: `documents` as it knows them, by id."""

    http: httpx2.AsyncClient
    collection: str
    name: str = "till1"
    checkpoint: dict[str, Any] = field(default_factory=dict)
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)

    async def ask(self, limit: int = 100, **query: Any) -> httpx2.Response:
        return await self.http.get(f"sync/{self.collection}/pull", params={**self.checkpoint, "limit": limit, **query})

    async def pull(self, limit: int = 100) -> int:
        """Read all that changed, page by page; return how many documents came."""
        count = 0
        while True:
            answer = await self.ask(limit)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            self.documents.update({each["id"]: each for each in page["documents"]})
            self.checkpoint = page["checkpoint"]
            count += len(page["documents"])
            if len(page["documents"]) < limit:
                return count

    async def send(self, *rows: dict[str, Any]) -> httpx2.Response:
        return await self.http.post(f"sync/{self.collection}/push", json=list(rows))

    async def push(self, *rows: dict[str, Any]) -> list[dict[str, Any]]:
        """Push rows, take over what the server answers, and return it."""
        answer = await self.send(*rows)
        assert answer.status_code == 200, answer.text
        for row in rows:
            self.documents[row["newDocumentState"]["id"]] = row["newDocumentState"]
        for each in answer.json():
            self.documents[each["id"]] = each
        return answer.json()

    def edit(self, document_id: str, **changes: Any) -> dict[str, Any]:
        """Return a row that changes a document from how this device knows it."""
        known = self.documents[document_id]
        return {"newDocumentState": {**known, **changes}, "assumedMasterState": known}

    def live(self) -> dict[str, dict[str, Any]]:
        """Return what people wrote of each document that is not deleted."""
        server = {"rev", "created_at", "updated_at", "hlc", "_deleted"}
        return {
            key: {name: each for name, each in document.items() if name not in server}
            for key, document in self.documents.items()
            if not document.get("_deleted")
        }


def note(text: str = "Ladder", *, at: int = 1_000, **fields: Any) -> dict[str, Any]:
    """Return a note that a device makes at so many milliseconds."""
    return {
        "id": str(new_id()), "text": text, "title": "", "about_id": None, "branch_id": None, "hlc": f"{at}-0-till1",
        "_deleted": False, **fields,
    }  # fmt: skip


def made(document: dict[str, Any]) -> dict[str, Any]:
    """Return the row of a document that a device made."""
    return {"newDocumentState": document}
