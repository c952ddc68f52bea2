"""New handwriting from old: pure functions of a batch (n, 1, 28, 28) of ink in 0..1, and a generator.

Everything that moves ink (affine and elastic) is combined into one grid, so ink is resampled only once.
"""

import math
from dataclasses import dataclass

import torch
from torch.nn.functional import avg_pool2d, grid_sample, interpolate, max_pool2d, pad

SIDE = 28


@dataclass(frozen=True)
class Augmentation:
    """How far an image may be varied. Shares are of images; lengths in pixels of the 28.

    `rotation` (degrees), `scale`, `shear` and `shift` are the limits of uniform draws. `elastic` is the
    standard deviation of the displacements (Simard et al. 2003), applied to the share `elastic_share`;
    `stroke` is the share whose pen grows or shrinks, `blur` and `noise` are those blurred or made noisy.
    """

    rotation: float = 12.0
    scale: float = 0.12
    shear: float = 0.15
    shift: float = 2.0
    elastic: float = 0.0
    elastic_share: float = 0.3
    stroke: float = 0.0
    blur: float = 0.0
    noise: float = 0.0


def augment(images: torch.Tensor, how: Augmentation, rng: torch.Generator) -> torch.Tensor:
    """Apply every step of `how` in turn; the result has the same shape and is still within 0..1."""
    grid = affine(len(images), how, rng)
    if how.elastic:
        grid = grid + elastic(len(images), how, rng)
    images = grid_sample(images, grid, padding_mode="zeros", align_corners=False)
    for share, change in ((how.stroke, thicken), (how.blur, blur), (how.noise, add_noise)):
        rows = torch.nonzero(torch.rand(len(images), generator=rng) < share)[:, 0]
        if len(rows):
            images[rows] = change(images[rows], rng)
    return images


def affine(count: int, how: Augmentation, rng: torch.Generator) -> torch.Tensor:
    """`count` random affine maps as sampling grids (n, 28, 28, 2) in -1..1."""

    def uniform(limit: float) -> torch.Tensor:
        return (torch.rand(count, generator=rng) * 2 - 1) * limit

    angle, shear = uniform(math.radians(how.rotation)), uniform(how.shear)
    wide, tall = 1 + uniform(how.scale), 1 + uniform(how.scale)
    cos, sin = angle.cos(), angle.sin()
    zero = how.shift / (SIDE / 2)
    rows = [
        torch.stack([cos * wide, (shear * cos - sin) * tall, uniform(zero)], 1),
        torch.stack([sin * wide, (shear * sin + cos) * tall, uniform(zero)], 1),
    ]
    maps = torch.stack(rows, 1)
    return torch.nn.functional.affine_grid(maps, [count, 1, SIDE, SIDE], align_corners=False)


def elastic(count: int, how: Augmentation, rng: torch.Generator) -> torch.Tensor:
    """Smooth displacements (n, 28, 28, 2) in grid units: random at 6x6 knots, cubic between them."""
    knots = torch.randn(count, 2, 6, 6, generator=rng) * (how.elastic / (SIDE / 2))
    knots *= (torch.rand(count, 1, 1, 1, generator=rng) < how.elastic_share).float()
    field = interpolate(knots, (SIDE, SIDE), mode="bicubic", align_corners=True)
    return field.permute(0, 2, 3, 1)


def thicken(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """A pen up to a pixel wider or half a pixel thinner: part of the way to a dilation or erosion."""
    way = torch.rand(len(images), 1, 1, 1, generator=rng) * 1.5 - 0.5
    wider, thinner = max_pool2d(images, 3, 1, 1), -max_pool2d(-images, 3, 1, 1)
    return images + way.clamp(min=0) * (wider - images) + way.clamp(max=0) * (images - thinner)


def blur(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Out of focus: part of the way to the mean of 3x3."""
    way = torch.rand(len(images), 1, 1, 1, generator=rng)
    return images.lerp(avg_pool2d(pad(images, (1, 1, 1, 1)), 3, 1), way)


def add_noise(images: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Grain with a deviation of up to 0.1, and ink up to a third weaker."""
    grain = torch.rand(len(images), 1, 1, 1, generator=rng) * 0.1
    ink = 1 - torch.rand(len(images), 1, 1, 1, generator=rng) / 3
    return (images * ink + torch.randn(images.shape, generator=rng) * grain).clamp(0, 1)
