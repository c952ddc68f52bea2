"""How glyphs are scaled in the study: by the mean and deviation of the task with as many classes.

Trials name no task; where no task has that many classes, letters' figures are used.
"""

import torch

from ...sets.tasks import TASKS, Task

BY_CLASSES = {len(task.labels): task for task in TASKS.values()}


def scaled(images: torch.Tensor, classes: int) -> torch.Tensor:
    """uint8 (n, 28, 28) as float32 (n, 1, 28, 28) of about mean 0 and deviation 1."""
    task = _task(classes)
    return images.unsqueeze(1).float().sub_(255 * task.mean).div_(255 * task.std)


def brightness(images: torch.Tensor, classes: int) -> torch.Tensor:
    """What `scaled` gave, of any shape, brought back to 0..1."""
    task = _task(classes)
    return images * task.std + task.mean


def _task(classes: int) -> Task:
    return BY_CLASSES.get(classes, TASKS["letters"])
