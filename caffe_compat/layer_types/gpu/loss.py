"""Losses. Labels are read and checked on the host, where data layers have them anyway."""

from typing import Any, Callable, Sequence, Tuple

import torch

from .. import loss
from ..loss import Labelled, Loss, SoftmaxLoss
from ..registry import Blobs, twin
from .host import brought, looking_at

Gradient = Callable[[Any, Any, Any, Blobs], Any]


def _weight(top: Blobs) -> Any:
    """What the gradient is multiplied by, on the device."""
    return top[0].gpu_diff.reshape(-1)[0]


def _backward(gradient: Gradient) -> Any:
    """The backward pass of a loss that has a gradient for its first bottom alone.

    gradient: (layer, what the forward pass remembered, weight, bottom) -> that gradient.
    """

    def backward(layer: Loss, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs) -> None:
        if not propagate_down[0]:
            return
        state = layer.recall(bottom)
        if state is None:
            bottom[0].mutable_gpu_diff.zero_()
        else:
            bottom[0].set_gpu_diff(gradient(layer, state, _weight(top), bottom))

    return backward


def _euclidean_forward(layer: loss.EuclideanLoss, bottom: Blobs, top: Blobs) -> None:
    difference = bottom[0].gpu_data.reshape(-1) - bottom[1].gpu_data.reshape(-1)
    layer.remember(bottom, difference)
    top[0].set_gpu_data(torch.dot(difference, difference) / bottom[0].shape[0] / 2)


def _euclidean_backward(
    layer: loss.EuclideanLoss, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs
) -> None:
    difference = layer.recall(bottom)
    for b, sign, wanted in zip(bottom, (1, -1), propagate_down):
        if not wanted:
            continue
        if difference is None:
            b.mutable_gpu_diff.zero_()
        else:
            b.set_gpu_diff(_weight(top) * sign / b.shape[0] * difference)


twin(loss.EuclideanLoss, _euclidean_forward, _euclidean_backward)


def _contrastive_forward(layer: loss.ContrastiveLoss, bottom: Blobs, top: Blobs) -> None:
    difference = (bottom[0].gpu_data - bottom[1].gpu_data).reshape(bottom[0].shape[:2])
    square = difference.square().sum(1)
    together = bottom[2].gpu_data.reshape(-1) != 0
    layer.remember(bottom, (difference, square, together))
    apart = float(layer.margin) - (square if layer.legacy else square.sqrt())
    apart.clamp_(min=0)
    losses = torch.where(together, square, apart if layer.legacy else apart.square())
    top[0].set_gpu_data(losses.sum() / len(square) / 2)


def _contrastive_backward(
    layer: loss.ContrastiveLoss, top: Blobs, propagate_down: Sequence[bool], bottom: Blobs
) -> None:
    state = layer.recall(bottom)
    for b, sign, wanted in zip(bottom[:2], (1, -1), propagate_down):
        if not wanted:
            continue
        if state is None:
            b.mutable_gpu_diff.zero_()
            continue
        difference, square, together = state
        margin = float(layer.margin)
        if layer.legacy:
            apart = -(margin - square > 0).float()
        else:
            distance = square.sqrt()
            apart = (margin - distance).clamp_(min=0).neg_() / (distance + 1e-4)
        factor = _weight(top) * sign / b.shape[0] * torch.where(together, 1.0, apart)
        b.set_gpu_diff(factor[:, None] * difference)


twin(loss.ContrastiveLoss, _contrastive_forward, _contrastive_backward)


def _scored(layer: Labelled, bottom: Blobs) -> Tuple[Any, Any]:
    """(the first bottom as (N, classes), the labels (N, 1))."""
    x = bottom[0].gpu_data.reshape(bottom[0].shape[0], -1)
    with looking_at(bottom[1]):
        labels = layer.labels(bottom, x.shape[1])
    return x, brought(labels)[:, None]


def _hinge_forward(layer: loss.HingeLoss, bottom: Blobs, top: Blobs) -> None:
    x, labels = _scored(layer, bottom)
    sign = torch.ones_like(x).scatter_(1, labels, -1.0)
    margin = (x * sign).add_(1).clamp_(min=0)
    layer.remember(bottom, (sign, margin))
    top[0].set_gpu_data((margin.square() if layer.squared else margin).sum() / len(x))


def _hinge_gradient(layer: loss.HingeLoss, state: Any, weight: Any, bottom: Blobs) -> Any:
    sign, margin = state
    slope = 2 * margin if layer.squared else margin.sign()
    return slope.mul_(sign).mul_(weight / len(sign))


twin(loss.HingeLoss, _hinge_forward, _backward(_hinge_gradient))


def _multinomial_forward(layer: loss.MultinomialLogisticLoss, bottom: Blobs, top: Blobs) -> None:
    p, labels = _scored(layer, bottom)
    chosen = p.gather(1, labels).clamp_(min=float(loss.LEAST))
    top[0].set_gpu_data(chosen.log_().sum().neg_() / len(p))


def _multinomial_backward(
    layer: loss.MultinomialLogisticLoss,
    top: Blobs,
    propagate_down: Sequence[bool],
    bottom: Blobs,
) -> None:
    if propagate_down[0]:
        p, labels = _scored(layer, bottom)
        chosen = p.gather(1, labels).clamp_(min=float(loss.LEAST))
        slopes = _weight(top).neg() / len(p) / chosen
        bottom[0].set_gpu_diff(torch.zeros_like(p).scatter_(1, labels, slopes))


twin(loss.MultinomialLogisticLoss, _multinomial_forward, _multinomial_backward)


def _cross_entropy_forward(layer: loss.SigmoidCrossEntropyLoss, bottom: Blobs, top: Blobs) -> None:
    x, target = (b.gpu_data.reshape(-1) for b in bottom)
    positive = (x >= 0).float()
    losses = (x - 2 * x * positive).exp_().add_(1).log_().sub_(x * (target - positive))
    counts: Any = 1.0
    divisor: Any = float(layer.divisor(bottom[0].shape[0], x.numel(), x.numel()))
    if layer.ignored is not None:
        counts = (target.to(torch.int32) != layer.ignored).float()
        if layer.normalization == layer.layer_param.loss_param.VALID:
            divisor = counts.sum().clamp_(min=1)
    layer.remember(bottom, (counts, divisor))
    top[0].set_gpu_data((losses * counts).sum() / divisor)
    for t in top[1:]:
        t.set_gpu_data(losses)


def _cross_entropy_gradient(
    layer: loss.SigmoidCrossEntropyLoss, state: Any, weight: Any, bottom: Blobs
) -> Any:
    counts, divisor = state
    x, target = (b.gpu_data.reshape(-1) for b in bottom)
    return torch.sigmoid(x).sub_(target).mul_(counts * (weight / divisor))


twin(loss.SigmoidCrossEntropyLoss, _cross_entropy_forward, _backward(_cross_entropy_gradient))


def _prepare(layer: SoftmaxLoss, bottom: Blobs, top: Blobs) -> Tuple[Any, Any, Any, float]:
    """(probabilities, labels, which places count, divisor), which the layer remembers."""
    with looking_at(bottom[1]):
        labels, counts, divisor = layer.labelled(bottom)
    probability = torch.softmax(bottom[0].gpu_data, layer.axis)
    for t in top[1:]:
        t.set_gpu_data(probability.clone())
    state = _rows(layer, probability), brought(labels), brought(counts).float(), float(divisor)
    layer.remember(bottom, state)
    return state


def _rows(layer: SoftmaxLoss, x: Any) -> Any:
    """The values as (outer, classes, inner)."""
    return x.reshape(layer.outer, layer.classes, -1)


def _softmax_forward(layer: loss.SoftmaxWithLoss, bottom: Blobs, top: Blobs) -> None:
    probability, labels, counts, divisor = _prepare(layer, bottom, top)
    chosen = probability.gather(1, labels[:, None])[:, 0].clamp_(min=float(loss.SMALLEST))
    top[0].set_gpu_data((chosen.log_() * counts).sum().neg_() / divisor)


def _softmax_gradient(layer: loss.SoftmaxWithLoss, state: Any, weight: Any, bottom: Blobs) -> Any:
    probability, labels, counts, divisor = state
    chosen = labels[:, None]
    slopes = probability.scatter(1, chosen, probability.gather(1, chosen) - 1)
    return slopes.mul_(counts[:, None] * (weight / divisor))


twin(loss.SoftmaxWithLoss, _softmax_forward, _backward(_softmax_gradient))


def _infogain(layer: loss.InfogainLoss, bottom: Blobs, labels: Any) -> Any:
    """H[label] of each place, (outer, classes, inner)."""
    matrix = bottom[2].gpu_data if layer.stored is None else brought(layer.stored)
    return matrix.reshape(layer.classes, layer.classes)[labels].movedim(-1, 1)


def _infogain_forward(layer: loss.InfogainLoss, bottom: Blobs, top: Blobs) -> None:
    probability, labels, counts, divisor = _prepare(layer, bottom, top)
    logs = probability.clamp(min=float(loss.LEAST)).log_()
    losses = (_infogain(layer, bottom, labels) * logs).sum(1)
    top[0].set_gpu_data((losses * counts).sum().neg_() / divisor)


def _infogain_gradient(layer: loss.InfogainLoss, state: Any, weight: Any, bottom: Blobs) -> Any:
    probability, labels, counts, divisor = state
    weights = _infogain(layer, bottom, labels)
    slopes = probability * weights.sum(1, keepdim=True) - weights
    return slopes.mul_(counts[:, None] * (weight / divisor))


twin(loss.InfogainLoss, _infogain_forward, _backward(_infogain_gradient))
