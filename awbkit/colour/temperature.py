"""Correlated colour temperature (CCT) and Duv: how warm a light is, and how far off the black body's colour.

CCT is the temperature of the black body whose chromaticity is nearest to the light's in the CIE 1960 UCS diagram;
Duv is the signed distance to it, positive above the locus (greenish), negative below (magenta). The definitions are
those of CIE 15:2018 and ANSI C78.377; Y. Ohno, "Practical use and calculation of CCT and Duv",
LEUKOS 10(1), 2014, is the standard account. Unlike Ohno's table look-up, the nearest point is found exactly.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from awbkit.errors import UsageError

CCT_MIN = 1000.0
CCT_MAX = 100_000.0
DUV_MAX = 0.05
"""Farther than this from the locus CIE 15 gives a light no CCT."""

# Chebyshev coefficients of the Planckian locus, columns u and v of CIE 1960 UCS, in t = 2 s / s_limit - 1 with
# s = 3000 K / (3000 K + T), from infinite temperature (t = -1) down to 900 K (t = 1). Fitted to Planck's law with
# c2 = 1.4388e-2 m K (ITS-90, as CIE 15 prescribes for CCT) integrated with the CIE 1931 2-degree observer
# (ISO/CIE 11664-1:2019, 360 to 830 nm by 1 nm); the residual is at most 5e-9 in u and v, 0.03 K at 100 000 K.
_PIVOT = 3000.0
_S_LIMIT = _PIVOT / (_PIVOT + 900.0)
_LOCUS = np.array(
    [
        (0.26805315867, 0.31710180961),
        (0.13187910565, 0.05253042966),
        (0.05651646912, -0.00876715119),
        (0.01452089806, -0.00880826806),
        (0.00198238097, -0.00052724023),
        (0.00003600191, 0.00071925363),
        (-0.00011564305, 0.00016256904),
        (-0.00010143591, 0.00001068629),
        (-0.00005186606, -0.00000106640),
        (-0.00002091352, -0.00000761229),
        (-0.00000941909, -0.00000275589),
        (-0.00000364045, 0.00000109515),
        (-0.00000067689, 0.00000067425),
        (0.00000007495, -0.00000000532),
        (0.00000006362, -0.00000003946),
        (0.00000002079, 0.00000000654),
        (0.00000001084, 0.00000000163),
    ]
)
_ORDERS = np.arange(len(_LOCUS))


def xy_to_cct_duv(x: float, y: float) -> tuple[float, float] | None:
    """CCT and Duv of a chromaticity.

    Agrees with Planck's law integrated at 1 nm to 0.1 K and 1e-8 in Duv from 1500 to 25 000 K and Duv -0.03 to 0.03.

    Args:
        x: CIE 1931 x.
        y: CIE 1931 y.

    Returns:
        CCT in kelvin, 1000 to 100 000, and Duv, -0.05 to 0.05; None outside those ranges, where CCT has no meaning,
        and where x and y are no chromaticity.
    """
    uv = _uv_of_xy(x, y)
    if uv is None:
        return None
    cct, duv, on_scale = _nearest_point(uv)
    if not on_scale or abs(duv) > DUV_MAX * (1 + 1e-9):
        return None
    return cct, duv


def nearest_cct(x: float, y: float) -> float | None:
    """The temperature of the nearest black body in kelvin, clamped to 1000..100 000, at any distance from it.

    The search between two camera matrices needs a temperature for every chromaticity that it passes. None where x and
    y are no chromaticity.
    """
    uv = _uv_of_xy(x, y)
    return None if uv is None else _nearest_point(uv)[0]


def cct_duv_to_xy(cct: float, duv: float = 0.0) -> tuple[float, float]:
    """CIE 1931 xy of the light of this CCT and Duv; the inverse of `xy_to_cct_duv`.

    Args:
        cct: Kelvin, 1000 to 100 000.
        duv: Signed distance from the Planckian locus in CIE 1960 UCS, -0.05 to 0.05; positive is greener.

    Raises:
        UsageError: If either is out of its range.
    """
    if not CCT_MIN <= cct <= CCT_MAX:
        raise UsageError(f"a CCT must lie between {CCT_MIN:.0f} and {CCT_MAX:.0f} K, not {cct:g}")
    if not -DUV_MAX <= duv <= DUV_MAX:
        raise UsageError(f"Duv must lie between {-DUV_MAX:g} and {DUV_MAX:g}, not {duv:g}")
    point, tangent, _ = _locus(_t_of_cct(cct))
    u, v = point + duv * _normal(tangent)
    scale = 2 * u - 8 * v + 4
    return float(3 * u / scale), float(2 * v / scale)


def daylight_xy(cct: float) -> tuple[float, float]:
    """CIE 1931 xy of daylight of this temperature, 4000 to 25 000 K (CIE 15:2018, equations 4.2 to 4.4)."""
    if cct <= 7000:
        x = 0.244063 + 0.09911e3 / cct + 2.9678e6 / cct**2 - 4.6070e9 / cct**3
    else:
        x = 0.237040 + 0.24748e3 / cct + 1.9018e6 / cct**2 - 2.0064e9 / cct**3
    return x, -3.000 * x**2 + 2.870 * x - 0.275


def _uv_of_xy(x: float, y: float) -> NDArray[np.float64] | None:
    scale = -2 * x + 12 * y + 3
    if not (math.isfinite(x) and math.isfinite(y)) or y < 1e-6 or not 1e-6 < scale < 1e6:
        return None
    return np.array([4 * x / scale, 6 * y / scale])


def _t_of_cct(cct: float) -> float:
    return 2 * _PIVOT / (_PIVOT + cct) / _S_LIMIT - 1


def _cct_of_t(t: float) -> float:
    return _PIVOT / ((t + 1) / 2 * _S_LIMIT) - _PIVOT


_T_COLDEST = _t_of_cct(CCT_MIN)
_T_HOTTEST = _t_of_cct(CCT_MAX)


@lru_cache(maxsize=1)
def _derivatives() -> NDArray[np.float64]:
    """Chebyshev coefficients (17, 6) of the locus, its first and its second derivative by t."""
    columns = [np.vstack([chebyshev.chebder(_LOCUS, order), np.zeros((order, 2))]) for order in (0, 1, 2)]
    return np.hstack(columns)


@lru_cache(maxsize=1)
def _samples() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Parameters (256,) and uv (256, 2) spread over the locus, to start the search from."""
    t = np.linspace(_T_HOTTEST, _T_COLDEST, 256)
    return t, np.cos(np.arccos(t)[:, None] * _ORDERS) @ _LOCUS


def _locus(t: float) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """uv of the locus at ``t``, -1..1, with its first and second derivative."""
    values = np.cos(math.acos(t) * _ORDERS) @ _derivatives()
    return values[:2], values[2:4], values[4:]


def _normal(tangent: NDArray[np.float64]) -> NDArray[np.float64]:
    # t grows towards red, so u grows with it all along the locus and this normal points up, where Duv is positive.
    return np.array([-tangent[1], tangent[0]]) / math.hypot(tangent[0], tangent[1])


def _nearest_point(uv: NDArray[np.float64]) -> tuple[float, float, bool]:
    """CCT and Duv of the nearest black body, and whether it is truly nearest or merely an end of the scale."""
    samples, points = _samples()
    start = float(samples[np.argmin(((points - uv) ** 2).sum(axis=1))])
    cell = float(samples[1] - samples[0])
    # Beyond the ends by a little, so that lights at exactly 1000 or 100 000 K stay on the scale despite rounding.
    low, high = max(start - cell, _T_HOTTEST - 1e-6), min(start + cell, _T_COLDEST + 1e-6)
    t = start
    point, tangent, bend = _locus(t)
    for _ in range(20):
        offset = uv - point
        slope = float(tangent @ tangent - offset @ bend)
        descent = float(offset @ tangent)
        # Newton's method; past the centre of curvature its step would climb, so there only the direction is used.
        step = descent / slope if slope > 0 else math.copysign(cell, descent)
        after = min(max(t + step, low), high)
        moved = abs(after - t)
        t = after
        point, tangent, bend = _locus(t)
        if moved < 1e-14:
            break
    cct = _cct_of_t(t)
    duv = float((uv - point) @ _normal(tangent))
    on_scale = CCT_MIN * (1 - 1e-6) <= cct <= CCT_MAX * (1 + 1e-6)
    return min(max(cct, CCT_MIN), CCT_MAX), duv, on_scale
