"""The phone page: a handset in the browser.

Lives here: the page's files and the routes that serve them. Does not live here: prompts and money.
Invariant: the page loads nothing from elsewhere and runs no inline script.
"""
