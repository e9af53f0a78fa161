"""The loss: the angle to the true light, and the misfit of the stated error."""

from __future__ import annotations

import torch
from torch import Tensor

from awbkit.training.draws import Batch

_ERROR_WEIGHT = 0.1


def total_loss(
    answer: tuple[Tensor, Tensor], drawn: Batch, taught: Tensor | None = None, distil: float = 0.0
) -> tuple[Tensor, Tensor]:
    """The sum of the pictures' losses, and each one's angular error in degrees (N,).

    Pictures without evidence of their light train the expected error only.

    Args:
        answer: The network's residuals (N, 2) and logarithm of the expected error (N,).
        drawn: The pictures.
        taught: (N, 2), the teachers' answers.
        distil: Share of the loss that follows the teachers.
    """
    estimate, log_error = drawn.anchor + answer[0].float(), answer[1].float()
    error = angle(estimate, drawn.light)
    loss = (drawn.telling * error).sum()
    if taught is not None:
        loss = (1 - distil) * loss + distil * (drawn.telling * angle(estimate, taught)).sum()
    # The negative log-likelihood of a Laplace distribution: least where the stated error is the mean error.
    return loss + _ERROR_WEIGHT * (error.detach() * torch.exp(-log_error) + log_error).sum(), error


def angle(first: Tensor, second: Tensor) -> Tensor:
    """The recovery error: the angle in degrees (N,) between lights of log-chroma (N, 2)."""
    a, b = _rgb(first), _rgb(second)
    return torch.rad2deg(torch.atan2(torch.linalg.cross(a, b).norm(dim=1), (a * b).sum(dim=1)))


def _rgb(chroma: Tensor) -> Tensor:
    red, blue = chroma.exp().unbind(dim=1)
    return torch.stack([red, torch.ones_like(red), blue], dim=1)
