"""Methods that estimate the illuminant of an image, one a file, and their registry.

    parse("shades-of-gray:p=6").estimate(image)

Every method is a function of a LinearImage and keyword-only parameters that returns an RGB in the image's own space.
"""

from __future__ import annotations

from awbkit.estimators.parameter import Description, Parameter
from awbkit.estimators.registry import DEFAULT, Method, describe, method_names, parse

__all__ = ["DEFAULT", "Description", "Method", "Parameter", "describe", "method_names", "parse"]
