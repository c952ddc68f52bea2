"""New handwriting from old: a random affine map of every image of a batch, in one call."""

import math

import torch
from torch.nn.functional import affine_grid, grid_sample

from .recipe import Recipe


def random_affine(images: torch.Tensor, recipe: Recipe, rng: torch.Generator) -> torch.Tensor:
    """(n, 1, 28, 28) float -> the same shape, turned, scaled, sheared and shifted at random.

    Angles up to `recipe.rotation` degrees, shifts up to `recipe.shift` pixels; outside is ink-free 0.
    """
    grid = affine_grid(random_maps(len(images), recipe, rng), list(images.shape), False)
    return grid_sample(images, grid.to(images.dtype), padding_mode="zeros", align_corners=False)


def random_maps(count: int, recipe: Recipe, rng: torch.Generator) -> torch.Tensor:
    """`count` affine maps (n, 2, 3) from output to input, in grid units (-1..1)."""

    def uniform(limit: float) -> torch.Tensor:
        return (torch.rand(count, generator=rng) * 2 - 1) * limit

    angle = uniform(math.radians(recipe.rotation))
    wide, tall = 1 + uniform(recipe.scale), 1 + uniform(recipe.scale)
    shear, shift = uniform(recipe.shear), recipe.shift / 14
    cos, sin = angle.cos(), angle.sin()
    rows = [
        torch.stack([cos * wide, (shear * cos - sin) * tall, uniform(shift)], 1),
        torch.stack([sin * wide, (shear * sin + cos) * tall, uniform(shift)], 1),
    ]
    return torch.stack(rows, 1)
