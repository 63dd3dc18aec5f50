"""Units as NeXus readers parse them."""

from __future__ import annotations

import unicodedata

_ASCII_UNITS = {
    "\u00b5": "u",  # the micro sign
    "\u03bc": "u",  # the Greek letter
    "Å": "angstrom",
    "Ω": "ohm",
    "°C": "degC",
    "℃": "degC",
    "°": "deg",
    "²": "**2",
    "³": "**3",
    "⁻¹": "**-1",
    "⁻²": "**-2",
    "·": "*",
    "×": "*",
}


def ascii_units(text: str) -> str:
    """Return units in ASCII that NeXus readers parse: ``µm`` gives ``um``."""
    if text.isascii():
        return text
    text = unicodedata.normalize("NFC", text)
    for sign, plain in _ASCII_UNITS.items():
        text = text.replace(sign, plain)
    return text.encode("ascii", "backslashreplace").decode()
