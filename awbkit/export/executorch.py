"""Networks for ExecuTorch, PyTorch's runtime for phones and other devices: from the thumbnail to the light.

The program calls ExecuTorch's portable operators only, which every build of the runtime can have.
"""

from __future__ import annotations

import warnings

import numpy as np
import torch
from executorch.exir import to_edge_transform_and_lower
from executorch.runtime import Runtime
from numpy.typing import NDArray

from awbkit.errors import UsageError
from awbkit.export.cases import Case
from awbkit.export.check import Answer
from awbkit.export.traced import Estimator, example, inputs
from awbkit.network.model import Model
from awbkit.network.models import AnyModel


def convert(model: AnyModel) -> bytes:
    """A ``.pte`` file, whose method ``forward`` is :meth:`awbkit.export.traced.Estimator.forward`.

    Raises:
        UsageError: If the model is quantised.
    """
    if not isinstance(model, Model):
        raise UsageError(f"{model.name} is quantised; executorch takes floating point: name the model it was made of")
    with warnings.catch_warnings():
        # Of torch's own making, about torch itself.
        warnings.simplefilter("ignore")
        program = torch.export.export(Estimator(model).eval(), example(), strict=False)
        return bytes(to_edge_transform_and_lower(program).to_executorch().buffer)


def runner(data: bytes) -> Answer:
    """The function that runs the file."""
    program = Runtime.get().load_program(data)
    method = program.load_method("forward")

    def answer(case: Case) -> tuple[NDArray[np.float64], float]:
        light, degrees = method.execute([torch.from_numpy(value) for value in inputs(case).values()])
        return light.numpy()[0].astype(np.float64), float(degrees)

    return answer
