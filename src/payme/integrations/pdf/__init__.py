"""Documents set by typst and signed with PAdES.

Figures arrive computed and written out; nothing is summed here.
"""

from payme.integrations.pdf.typesetting import typeset

__all__ = ["typeset"]
