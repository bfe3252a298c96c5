"""HTTP of identity: signing up and in, sessions, members, invitations, API keys."""

from payme.features.identity.endpoints import api_keys, auth, invitations, members
from payme.runtime.http import Feature

feature = Feature(
    "identity",
    "People and what they may do.",
    (auth.router, auth.sessions_router, members.router, invitations.router, invitations.accepting, api_keys.router),
)
