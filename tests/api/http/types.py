"""What the fixtures of these tests give."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2

MakeApp = Callable[..., Any]
MakeClient = Callable[..., httpx2.AsyncClient]
Count = Callable[[], Awaitable[int]]
