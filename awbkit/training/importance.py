"""What the units of a network are worth: by how much the training loss would change without each of them.

First-order Taylor expansion (P. Molchanov et al., Importance estimation for neural network pruning, CVPR 2019, DOI
10.1109/CVPR.2019.01152): gradient times weight, summed over the columns that read a unit, is to first order how the
loss changes when the unit is silenced, and it is the same as gradient times value of the unit, summed over where it is
read. It is squared picture by picture (as L. Theis et al., Faster gaze prediction with dense networks and Fisher
pruning, 2018, arXiv:1801.05787, do), because over a batch the gradients of a trained network cancel.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from awbkit.training.fit import Drawn, total_loss
from awbkit.training.network import Network
from awbkit.training.structure import readers


def importance(network: Network, drawn: Iterable[Drawn]) -> dict[str, NDArray[np.float64]]:
    """Mean squared change of the loss without each unit, by dimension.

    Args:
        network: Of the family awbnet.
        drawn: Batches.
    """
    places = readers(network.architecture)
    totals = {name: torch.zeros(len(columns), dtype=torch.float64) for name, (_, columns) in places.items()}
    count = 0
    for batch, anchor, light in drawn:
        with _inputs(network, {name for name, _ in places.values()}) as inputs:
            loss, _ = total_loss(network(batch), anchor, light)
        gradients = dict(zip(inputs, torch.autograd.grad(loss, list(inputs.values())), strict=True))
        for dimension, (name, columns) in places.items():
            by_column = (inputs[name].detach() * gradients[name]).flatten(2 if inputs[name].dim() > 2 else 1)
            by_column = by_column.sum(dim=2) if by_column.dim() > 2 else by_column
            change = by_column[:, torch.from_numpy(columns)].sum(dim=2)
            totals[dimension] += change.double().square().sum(dim=0).cpu()
        count += len(anchor)
    return {name: total.numpy() / max(count, 1) for name, total in totals.items()}


@contextmanager
def _inputs(network: Network, names: set[str]) -> Iterator[dict[str, Tensor]]:
    """By the name of weights, what they are multiplied by, once the network has answered."""
    found: dict[str, Tensor] = {}
    handles = []
    for name in names:
        layer = network.get_submodule(name.removesuffix(".weight"))
        # The second of two factors is multiplied by what the first gives; where there is but one, that is the input.
        first = getattr(layer, "rank", None)

        def before(module: nn.Module, given: tuple[Tensor], name: str = name) -> Tensor:
            (value,) = given
            found[name] = value if value.requires_grad else value.detach().requires_grad_()
            return found[name]

        def after(module: nn.Module, given: Any, value: Tensor, name: str = name) -> Tensor:
            return before(module, (value,), name)

        handles.append(layer.register_forward_pre_hook(before) if first is None else first.register_forward_hook(after))
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()
