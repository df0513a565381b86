"""Translations: ``_`` gives a text in the person's language, from ``locale/`` beside the plug-in.

GIMP sets ``LANGUAGE`` for its plug-ins to what is chosen under *Preferences > Interface*.
"""

from __future__ import annotations

import gettext
from pathlib import Path

DOMAIN = "photochrom"
LOCALE = Path(__file__).absolute().parent.parent / "locale"

_ = gettext.translation(DOMAIN, LOCALE, fallback=True).gettext


def sentence(text: str) -> str:
    """Give a message a capital letter and a full stop."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def reason(problem: BaseException) -> str:
    """Word a problem of the system without its number: "read-only file system"."""
    if isinstance(problem, OSError) and problem.strerror:
        return problem.strerror.lower()
    return str(problem) or type(problem).__name__
