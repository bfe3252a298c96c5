"""All SQL of identity: people and sessions, which have no tenant; members, invitations and keys, which have one."""
