"""Documents set by typst and signed with PAdES.

Figures arrive computed; nothing is summed here.
"""
