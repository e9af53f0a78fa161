"""Resolve a specification to a method: of the registry, fitted, or the user's own."""

from __future__ import annotations

from awbkit.errors import UsageError
from awbkit.estimators import Method, own, registry
from awbkit.estimators.own import Function
from awbkit.evaluation import fitted_methods
from awbkit.evaluation.fitted_methods import TrainableMethod
from awbkit.own_code import probe
from awbkit.spelling import assignments

AnyMethod = Method | TrainableMethod


def resolve(specification: str | Function) -> AnyMethod:
    """The method of a specification: ``pca:percent=3.5``, ``constant``, ``mine.py:estimate``; or of a callable.

    Raises:
        UsageError: If there is no such method, its parameters are wrong, or the user's own function cannot be loaded.
        UnreadableFile: If a model exists but cannot be read.
    """
    if not isinstance(specification, str):
        return registry.as_method(specification)
    name, colon, rest = (part.strip() for part in registry.canonical_name(specification).partition(":"))
    if name in fitted_methods.trainable_names():
        tuple(assignments(colon + rest, f"method {name}", "parameter", {}))
        return fitted_methods.find_method(name)
    try:
        return probe(registry.parse(specification))
    except UsageError as error:
        # Only where the name is unknown does it help to list more of them.
        known = str(error).removesuffix(own.FORM)
        if not known.startswith("unknown method"):
            raise
        raise UsageError(f"{known}{', '.join(fitted_methods.trainable_names())}, {own.FORM}") from None


def label(specification: str | Function) -> str:
    """What reports call the method: as the user wrote it, but awbnet-s is called awbnet."""
    if isinstance(specification, str):
        return registry.canonical_name(specification)
    return str(registry.as_method(specification))
