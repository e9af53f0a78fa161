"""The optimisation, from the first step to the averaged weights.

Each step draws from a generator seeded by the run's seed and the step's number, so a resumed run repeats an
uninterrupted one to the last bit. A batch is computed in shards, whose gradients are added in a fixed order, so several
processes give the same bits as one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from awbkit.errors import AwbError
from awbkit.network.architecture import Architecture
from awbkit.network.torch.network import Network, network_of
from awbkit.training import checkpoint, processes
from awbkit.training.bank import Bank
from awbkit.training.draws import Batch, Draws, moments
from awbkit.training.fake_quantization import FakeQuantization
from awbkit.training.loss import angle, total_loss
from awbkit.training.recipe import Recipe

Float = NDArray[np.float32]
Weights = dict[str, Float]

_WARM_UP = 0.15
_START, _END = 1 / 25, 1 / 25e4
"""Share of the learning rate's peak at the first and at the last step."""

_CLIP = 5.0
_AVERAGE_START = 0.5
_DECAY = 0.998
_SAVE_INTERVAL = 500
_REPORT_INTERVAL = 50


@dataclass(frozen=True)
class Step:
    """Progress of a training.

    Attributes:
        number: Completed steps.
        loss: Mean of the loss since the last report.
        error: Mean angular error in canonical RGB, in degrees, since the last report.
        learning_rate: At the last step.
        validation: Mean recovery error in degrees on the validation pictures; None at steps that do not compute it.
    """

    number: int
    loss: float
    error: float
    learning_rate: float
    validation: float | None = None


def fit(
    bank: Bank,
    architecture: Architecture,
    recipe: Recipe,
    *,
    seed: int,
    teachers: Sequence[nn.Module] = (),
    initial: Mapping[str, Float] | None = None,
    device: str = "cpu",
    saved: Path | None = None,
    watched: Bank | None = None,
    on_step: Callable[[Step], None] = lambda step: None,
    quantization: FakeQuantization | None = None,
) -> Weights:
    """Train one network.

    Args:
        bank: The training pictures.
        architecture: The network's architecture.
        recipe: Steps, rates and augmentation.
        seed: Of the weights and of all random choices.
        teachers: Networks to distil: the recipe's share of the loss follows their mean answer.
        initial: Initial weights; their normalisation of the statistics is kept.
        device: "cpu" or "cuda"; on CUDA the network computes in bfloat16.
        saved: Path of the checkpoint, which is written at intervals; the training continues from an existing one.
        watched: Validation pictures, answered every 500 steps; they do not influence the training.
        on_step: Called every 50 steps, and after the last.
        quantization: Simulated quantisation, for quantisation-aware training.

    Returns:
        Weights by name, averaged over the second half of the steps.

    Raises:
        AwbError: If the training diverges.
    """
    network = _network(bank, architecture, seed, initial).to(device)
    average = _network(bank, architecture, seed, initial).to(device)
    optimiser = torch.optim.AdamW(network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    trained = network.trained_weights()
    for teacher in teachers:
        teacher.to(device).eval()
    first = checkpoint.restore(saved, network, average, optimiser, steps=recipe.steps) if saved is not None else 0
    draws = Draws(bank, recipe, seed, device)
    sizes = [*(parameter.numel() for parameter in trained), 1, 1]
    losses: list[Tensor] = []
    errors: list[Tensor] = []
    for step in range(first, recipe.steps):
        rate = _rate(step, recipe)
        for group in optimiser.param_groups:
            group["lr"] = rate
        shards = [_gradients(network, teachers, shard, recipe, device, quantization) for shard in draws.shards(step)]
        *gradients, loss, error = torch.split(processes.total(torch.stack(shards)), sizes)
        for parameter, gradient in zip(trained, gradients, strict=True):
            parameter.grad = gradient.view(parameter.shape)
        nn.utils.clip_grad_norm_(trained, _CLIP)
        optimiser.step()
        counted = step - int(recipe.steps * _AVERAGE_START)
        _average(average, network, counted)
        losses.append(loss)
        errors.append(error)
        done = step + 1
        if done % _REPORT_INTERVAL == 0 or done == recipe.steps:
            mean_loss = float(torch.stack(losses).mean())
            if not math.isfinite(mean_loss):
                remedy = f"give a lower learning_rate than {recipe.learning_rate:g}"
                raise AwbError(f"the training has diverged after {done} steps (loss {mean_loss}); {remedy}")
            validation = None
            if watched is not None and processes.is_first() and done % _SAVE_INTERVAL == 0:
                estimates, _ = answers(average if counted >= 0 else network, watched)
                validation = float(true_errors(estimates, watched).mean())
            on_step(Step(done, mean_loss, float(torch.stack(errors).mean()), rate, validation))
            losses, errors = [], []
        if saved is not None and done % _SAVE_INTERVAL == 0 and processes.is_first():
            checkpoint.save(saved, network, average, optimiser, done)
    if not all(bool(value.isfinite().all()) for value in average.parameters()):
        raise AwbError(f"the training has diverged; give a lower learning_rate than {recipe.learning_rate:g}")
    return {name: value.detach().cpu().numpy().copy() for name, value in average.state_dict().items()}


def _gradients(
    network: Network,
    teachers: Sequence[nn.Module],
    shard: Batch,
    recipe: Recipe,
    device: str,
    quantization: FakeQuantization | None,
) -> Tensor:
    """A shard's share of the batch's mean loss as one row: its gradients, the loss, and the angular error."""
    with torch.autocast(device, dtype=torch.bfloat16, enabled=device == "cuda"):
        answer = network(shard.read) if quantization is None else quantization.answer(network, shard.read)
    taught = None
    if teachers and recipe.distil:
        with torch.no_grad():
            taught = shard.anchor + sum(teacher(shard.read)[0].float() for teacher in teachers) / len(teachers)
    loss, error = total_loss(answer, shard, taught, recipe.distil)
    loss = loss / recipe.batch_size
    gradients = torch.autograd.grad(loss, network.trained_weights())
    row = [loss.detach(), error.detach().sum() / recipe.batch_size]
    return torch.cat([part.reshape(-1) for part in (*gradients, *row)])


def answers(network: nn.Module, bank: Bank, *, matrices: bool = True) -> tuple[Float, Float]:
    """Answer the original pictures of a bank: log-chroma (N, 2) and the logarithm of the expected error (N,).

    Args:
        network: The network.
        bank: The pictures.
        matrices: Whether the network may use the cameras' matrices.
    """
    device = next(network.parameters()).device
    found: list[tuple[Tensor, Tensor]] = []
    with torch.no_grad():
        for start in range(0, len(bank), 1024):
            part = slice(start, start + 1024)
            known = bank.known[part, None].astype(np.float32)
            read = {
                "anchor": bank.anchor[0, part],
                "known": known if matrices else np.zeros_like(known),
                "statistics": bank.statistics[0, part],
                "grid": bank.grid[0, part].astype(np.float32),
            }
            batch = {name: torch.from_numpy(np.array(value)).to(device) for name, value in read.items()}
            residual, log_error = network(batch)
            found.append(((batch["anchor"] + residual).cpu(), log_error.cpu()))
    estimates, errors = (torch.cat(parts).numpy() for parts in zip(*found, strict=True))
    return estimates, errors


def true_errors(estimates: Float, bank: Bank) -> Float:
    """Recovery errors in degrees (N,) of log-chroma (N, 2), in each camera's own RGB."""
    white = torch.from_numpy(bank.white)
    return angle(torch.from_numpy(estimates) + white, torch.from_numpy(np.array(bank.light[0])) + white).numpy()


def _network(bank: Bank, architecture: Architecture, seed: int, initial: Mapping[str, Float] | None) -> Network:
    if initial is not None:
        return network_of(architecture, initial).train()
    mean, deviation = (moment.take(architecture.statistics) for moment in moments(bank))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Network(architecture, torch.from_numpy(mean), torch.from_numpy(deviation))


def _rate(step: int, recipe: Recipe) -> float:
    """One cycle (L. N. Smith and N. Topin, Super-convergence, 2019), in cosines."""
    peak = recipe.learning_rate
    warm = max(1.0, _WARM_UP * recipe.steps)
    if step < warm:
        low, high, share = peak * _START, peak, step / warm
    else:
        low, high, share = peak, peak * _START * _END, (step - warm) / max(1.0, recipe.steps - 1 - warm)
    return low + (high - low) * (1 - math.cos(math.pi * min(share, 1.0))) / 2


@torch.no_grad()
def _average(average: nn.Module, network: nn.Module, counted: int) -> None:
    """Update the running average of the weights, once the count has begun."""
    if counted < 0:
        return
    # The first few hundred steps have equal weights.
    share = max(1 - _DECAY, 1 / (counted + 1))
    for mean, value in zip(average.parameters(), network.parameters(), strict=True):
        mean.lerp_(value, share)
