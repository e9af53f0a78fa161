"""Resolve a specification to a method: of the registry, fitted, or the user's own."""

from __future__ import annotations

from awbkit import estimators
from awbkit.errors import UsageError
from awbkit.estimators import Method, registry
from awbkit.evaluation import fitted, own
from awbkit.evaluation.fitted import Trainable
from awbkit.evaluation.own import OwnMethod
from awbkit.spelling import assignments

AnyMethod = Method | Trainable | OwnMethod


def resolve(specification: str) -> AnyMethod:
    """The method of a specification: ``pca:percent=3.5``, ``constant``, ``mine.py:estimate``.

    Raises:
        UsageError: If there is no such method, its parameters are wrong, or the user's own function cannot be loaded.
        UnreadableFile: If a model exists but cannot be read.
    """
    name, colon, rest = (part.strip() for part in registry.canonical(specification).partition(":"))
    if name in fitted.names():
        tuple(assignments(colon + rest, f"method {name}", "parameter", {}))
        return fitted.trainable(name)
    if registry.is_model(specification.strip()):
        return registry.parse(specification)
    function = None if name in estimators.names() else own.own_method(specification)
    if function is None:
        try:
            return estimators.parse(specification)
        except UsageError as error:
            if name in estimators.names():
                raise
            raise UsageError(f"{error}, {', '.join(fitted.names())}, {own.FORM}") from None
    return function.probe()
