"""The whole application as the API process makes it, in this process and without a socket."""

from dataclasses import replace

import httpx2
from fastapi import FastAPI

from payme.entrypoints.api import all_features
from payme.entrypoints.wiring import csrf_of, http_options
from payme.features.identity import IdentityAuthenticator
from payme.runtime.database import Database
from payme.runtime.http import create_app
from payme.runtime.settings import Settings

GENEROUS = {
    "principal": "100000/minute",
    "anonymous": "100000/minute",
    "sign_in": "100000/minute",
    "prompts": "100000/minute",
}


def make_application(settings: Settings, database: Database) -> FastAPI:
    """Return the application on an open database, with room for any number of requests."""
    return create_app(
        replace(http_options(settings), budgets=GENEROUS),
        database=database,
        authenticator=IdentityAuthenticator(database),
        csrf=csrf_of(settings),
        features=all_features(),
    )


def client_of(app: FastAPI, token: str | None) -> httpx2.AsyncClient:
    """Return a client of the application who sends this token."""
    transport = httpx2.ASGITransport(app=app, client=("203.0.113.7", 4711), raise_app_exceptions=False)
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return httpx2.AsyncClient(transport=transport, base_url="http://shop.test", headers=headers, timeout=60)
