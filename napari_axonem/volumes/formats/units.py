"""Units of length as files write them, in nm."""

from __future__ import annotations

_NM = {
    "": None,
    "angstrom": 0.1,
    "ångström": 0.1,
    "å": 0.1,
    "picometer": 1e-3,
    "pm": 1e-3,
    "nanometer": 1.0,
    "nm": 1.0,
    "micrometer": 1e3,
    "micron": 1e3,
    "um": 1e3,
    "µm": 1e3,
    "\\u00b5m": 1e3,
    "millimeter": 1e6,
    "mm": 1e6,
    "centimeter": 1e7,
    "cm": 1e7,
    "meter": 1e9,
    "m": 1e9,
    "inch": 2.54e7,
    "in": 2.54e7,
}


def nm_per(unit: str | None) -> float | None:
    r"""Return how many nm one `unit` is, or None for a word that is no unit of length.

    Full names (British and American, singular and plural), symbols, and ImageJ's escaped
    ``\\u00B5m`` are known, in any case.
    """
    # U+03BC (Greek mu) and U+00B5 (micro sign) look the same; ImageJ escapes the latter.
    word = (unit or "").strip().lower().replace("\u03bc", "\u00b5")
    if word in _NM:
        return _NM[word]
    american = word.replace("metre", "meter")
    return _NM.get(american, _NM.get(american.removesuffix("s").removesuffix("e")))
