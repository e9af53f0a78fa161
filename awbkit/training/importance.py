"""The worth of a network's units: the change in the training loss without each of them.

First-order Taylor expansion (P. Molchanov et al., Importance estimation for neural network pruning, CVPR 2019, DOI
10.1109/CVPR.2019.01152): to first order, removing a unit changes the loss by gradient times value, summed over its
readers. That equals gradient times weight, summed over the columns that read it. Here the mean of a removed unit stays
in the biases of its readers, so values are taken relative to their mean. Changes are squared picture by picture (as L.
Theis et al., Faster gaze prediction with dense networks and Fisher pruning, 2018, arXiv:1801.05787, do), because over a
batch the gradients of a trained network cancel.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from awbkit.network.torch.network import Network
from awbkit.training.draws import Batch
from awbkit.training.loss import total_loss
from awbkit.training.structure import readers


@dataclass(frozen=True, eq=False)
class Worth:
    """The worth of the units of one dimension.

    Attributes:
        change: (units,), the mean squared change of a picture's loss when the mean replaces a unit's value.
        mean: (units, columns), a unit's mean value in each column that reads it.
    """

    change: NDArray[np.float64]
    mean: NDArray[np.float64]


def importance(network: Network, drawn: Sequence[Batch]) -> dict[str, Worth]:
    """Measure the worth of a network's units, by dimension.

    Args:
        network: An awbnet.
        drawn: Batches.
    """
    places = readers(network.architecture)
    means = _means(network, {name for name, _ in places.values()}, drawn)
    totals = {name: torch.zeros(len(columns), dtype=torch.float64) for name, (_, columns) in places.items()}
    count = 0
    for batch in drawn:
        with _inputs(network, {name for name, _ in places.values()}) as inputs:
            loss, _ = total_loss(network(batch.read), batch)
        gradients = dict(zip(inputs, torch.autograd.grad(loss, list(inputs.values())), strict=True))
        for dimension, (name, columns) in places.items():
            away = _by_place(inputs[name].detach()) - means[name][:, None]
            change = (away * _by_place(gradients[name])).sum(dim=2)[:, torch.from_numpy(columns)].sum(dim=2)
            totals[dimension] += change.double().square().sum(dim=0).cpu()
        count += len(batch.anchor)
    return {
        name: Worth(totals[name].numpy() / max(count, 1), means[weights].cpu().double().numpy()[columns])
        for name, (weights, columns) in places.items()
    }


def _means(network: Network, names: set[str], drawn: Sequence[Batch]) -> dict[str, Tensor]:
    """Mean inputs (columns,), by the name of the weights that read them."""
    found: dict[str, list[Tensor]] = {name: [] for name in names}
    for batch in drawn:
        with _inputs(network, names) as inputs:
            network(batch.read)
        for name, value in inputs.items():
            found[name].append(_by_place(value.detach()).mean(dim=(0, 2)))
    return {name: torch.stack(parts).mean(dim=0) for name, parts in found.items()}


def _by_place(value: Tensor) -> Tensor:
    """Reshape to (N, columns, places), with one place if there are no cells."""
    return value.flatten(2) if value.dim() > 2 else value[:, :, None]


@contextmanager
def _inputs(network: Network, names: set[str]) -> Iterator[dict[str, Tensor]]:
    """Record the inputs of the weights while the network answers, by the weights' name."""
    found: dict[str, Tensor] = {}
    handles = []
    for name in names:
        layer = network.get_submodule(name.removesuffix(".weight"))
        # The input of a second factor is the output of the first.
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
