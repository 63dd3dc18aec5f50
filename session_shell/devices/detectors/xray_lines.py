"""Energies of the strongest X-ray emission lines, for simulated spectra.

Kα1 and Kβ1, or Lα1, Lβ1 and Lγ1 for heavy elements, in keV, after the X-ray Data Booklet (LBNL,
2009), table 1-2. The relative strengths are round numbers, good for a simulation only.
"""

from __future__ import annotations

Line = tuple[float, float]
"""Energy in keV and part of the events of the element."""

_K: dict[str, tuple[float, float]] = {
    "Si": (1.740, 1.836),
    "P": (2.014, 2.139),
    "S": (2.308, 2.464),
    "Cl": (2.622, 2.816),
    "Ar": (2.958, 3.191),
    "K": (3.314, 3.590),
    "Ca": (3.692, 4.013),
    "Ti": (4.511, 4.932),
    "V": (4.952, 5.427),
    "Cr": (5.415, 5.947),
    "Mn": (5.899, 6.490),
    "Fe": (6.404, 7.058),
    "Co": (6.930, 7.649),
    "Ni": (7.478, 8.265),
    "Cu": (8.048, 8.905),
    "Zn": (8.639, 9.572),
    "Ga": (9.252, 10.264),
    "Ge": (9.886, 10.982),
    "As": (10.544, 11.726),
    "Se": (11.222, 12.496),
    "Br": (11.924, 13.291),
    "Rb": (13.395, 14.961),
    "Sr": (14.165, 15.836),
    "Zr": (15.775, 17.668),
    "Mo": (17.479, 19.608),
}
_L: dict[str, tuple[float, float, float]] = {
    "Ag": (2.984, 3.151, 3.520),
    "W": (8.398, 9.672, 11.286),
    "Pt": (9.442, 11.071, 12.942),
    "Au": (9.713, 11.442, 13.382),
    "Pb": (10.552, 12.614, 14.764),
}


def elements() -> tuple[str, ...]:
    """Return the symbols of the elements whose lines are known."""
    return (*_K, *_L)


def lines_of(element: str) -> tuple[Line, ...]:
    """Return the lines of an element, none when they are not known.

    >>> lines_of("Fe")
    ((6.404, 0.87), (7.058, 0.13))
    """
    if element in _K:
        return tuple(zip(_K[element], (0.87, 0.13), strict=True))
    if element in _L:
        return tuple(zip(_L[element], (0.55, 0.37, 0.08), strict=True))
    return ()
