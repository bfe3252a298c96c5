"""ETag, If-Match and If-None-Match: nobody overwrites what they have not read, and nobody downloads twice what did not change.

A tag is `"<rev>-<digest>"` where the view has a revision, else `"<digest>"`. The digest makes it strong; the revision in front
is what a change is compared with, so that a view that shows less to one role changes the same thing.
"""

import hashlib
import re

from payme.runtime.http.errors import PreconditionFailed, PreconditionRequired

_TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e]*)"')


def etag_of(body: bytes, rev: int | str | None = None) -> str:
    """Return the strong entity tag of an answer."""
    digest = hashlib.blake2b(body, digest_size=9).hexdigest()
    return f'"{digest}"' if rev is None else f'"{rev}-{digest}"'


def is_known(if_none_match: str | None, tag: str) -> bool:
    """Say whether the client already holds the answer (weak comparison, as RFC 9110 has it for GET)."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or tag.strip('"') in _TAG.findall(if_none_match)


def check_match(if_match: str | None, rev: int | str | None) -> None:
    """Compare what the client has read with the present revision; None means that nothing exists yet.

    Raises: PreconditionRequired when the header is absent, PreconditionFailed when the revision is another.
    """
    if rev is None:
        if if_match is not None:
            raise PreconditionFailed
        return
    if if_match is None:
        raise PreconditionRequired
    known = {tag.partition("-")[0] for tag in _TAG.findall(if_match) if f'W/"{tag}"' not in if_match}
    if if_match.strip() != "*" and str(rev) not in known:
        raise PreconditionFailed(current_rev=rev)
