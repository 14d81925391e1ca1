"""What can be wrong with a document.

DocumentError    the document as a whole is of no use
Unusable         one operation, parameter or value cannot be made; the message is the reason people read
"""

from __future__ import annotations


class DocumentError(ValueError):
    """The document as a whole is of no use."""


class Unusable(ValueError):
    """A part of it is of no use; the rest may be."""
