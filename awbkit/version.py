"""The version of the package, the one place that states it: the build of a wheel reads it here."""

from __future__ import annotations

VERSION = "0.1.0"
