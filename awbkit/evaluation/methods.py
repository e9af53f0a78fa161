"""Resolve a specification to a method: of the registry, fitted, or the user's own."""

from __future__ import annotations

from awbkit import estimators
from awbkit.errors import UsageError
from awbkit.estimators import Method, registry
from awbkit.evaluation import fitted_methods, own_methods
from awbkit.evaluation.fitted_methods import TrainableMethod
from awbkit.evaluation.own_methods import OwnMethod
from awbkit.spelling import assignments

AnyMethod = Method | TrainableMethod | OwnMethod


def resolve(specification: str) -> AnyMethod:
    """The method of a specification: ``pca:percent=3.5``, ``constant``, ``mine.py:estimate``.

    Raises:
        UsageError: If there is no such method, its parameters are wrong, or the user's own function cannot be loaded.
        UnreadableFile: If a model exists but cannot be read.
    """
    name, colon, rest = (part.strip() for part in registry.canonical_name(specification).partition(":"))
    if name in fitted_methods.trainable_names():
        tuple(assignments(colon + rest, f"method {name}", "parameter", {}))
        return fitted_methods.find_method(name)
    if registry.is_model(specification.strip()):
        return registry.parse(specification)
    function = None if name in estimators.method_names() else own_methods.find_own_method(specification)
    if function is None:
        try:
            return estimators.parse(specification)
        except UsageError as error:
            if name in estimators.method_names():
                raise
            raise UsageError(f"{error}, {', '.join(fitted_methods.trainable_names())}, {own_methods.FORM}") from None
    return function.probe()
