"""People and what they may do: sign-up, login, sessions, roles, invitations, API keys.

Nobody chooses a role at sign-up; invitations carry it. Hashing and token formats live in `runtime.security`.
"""
