"""The recipes of all networks: our ladder of sizes for each task, and those of earlier projects."""

from dataclasses import replace
from typing import Any

from .augment import Augmentation
from .recipe import Recipe
from .sets.tasks import TASKS

SIZES = {
    "small": ((12,), (24, 24), (48, 64), (96, 112)),
    "base": ((32,), (48, 48), (96, 96), (128, 128)),
    "large": ((32,), (64, 64), (128, 128, 192), (256, 256)),
}
"""Widths of the convolutions, a stage for each resolution: 28, 14, 7 and 3 pixels a side."""

NANO = {"balanced": ((8,), (12, 12), (16, 16)), "digits": ((8,), (16, 16), (16, 16))}
"""Fewer than 10,000 parameters; 47 classes leave fewer of them for the convolutions than 10 do."""

SMALL_DIGITS = ((16,), (32, 32), (48, 64))
"""Digits need fewer parameters, and gain nothing from a stage of 3x3 pixels."""

GENTLE = Augmentation(rotation=8, scale=0.08, shear=0.1, shift=1.3)
FULL = Augmentation(elastic=1.0, stroke=0.2, blur=0.1, noise=0.1)
UPRIGHT = Augmentation(rotation=10, scale=0.1, shear=0.12, shift=1.5, elastic=1.0)

BALANCED = Recipe("", "balanced", {}, epochs=12, draws=112_800, augmentation=FULL)
DIGITS = Recipe("", "digits", {}, epochs=12, draws=55_000, augmentation=UPRIGHT)
LETTERS = Recipe("", "letters", {}, epochs=6, draws=104_000, augmentation=FULL)

SERVED = ("balanced/second",)
"""The expensive half of the served cascade teaches its successors (Furlanello et al. 2018)."""

TEACHERS = (*SERVED, "teacher-balanced")
"""These two together teach the other networks: they err in different places."""

OF_LETTERS = ("letters", "teacher-balanced")
"""The teachers of the networks for A to Z; small letters are folded, digits left out (distill.fold)."""


def ladder(task: Recipe, size: str, **changes: Any) -> Recipe:
    """Our network of this size for this task."""
    known = SIZES | {"nano": NANO.get(task.task), "teacher": SIZES["large"]}
    stages = changes.pop("stages", known[size])
    layout = {"kind": "convnet", "stages": stages, "classes": len(TASKS[task.task].labels)}
    return replace(task, **{"name": f"{size}-{task.task}", "network": layout} | changes)


LADDER = (
    ladder(BALANCED, "nano", epochs=14, augmentation=GENTLE, teachers=TEACHERS),
    ladder(BALANCED, "small", epochs=14, start="balanced/first", teachers=TEACHERS),
    ladder(BALANCED, "base", epochs=24, teachers=TEACHERS),
    ladder(
        BALANCED,
        "large",
        epochs=24,
        learning_rate=3e-3,
        average=0.999,
        start="teacher-balanced",
        teachers=TEACHERS,
    ),
    ladder(DIGITS, "nano", epochs=24, augmentation=GENTLE),
    ladder(DIGITS, "small", stages=SMALL_DIGITS, epochs=16, augmentation=Augmentation()),
    ladder(DIGITS, "base", epochs=9),
    ladder(
        DIGITS,
        "large",
        epochs=8,
        learning_rate=2e-3,
        average=0.999,
        start="teacher-digits",
        teachers=("digits", "teacher-digits"),
    ),
    ladder(LETTERS, "small", learning_rate=3e-3, start="small-balanced", teachers=OF_LETTERS),
    ladder(LETTERS, "base", learning_rate=2e-3, start="base-balanced", teachers=OF_LETTERS),
    ladder(
        LETTERS,
        "large",
        learning_rate=1.5e-3,
        average=0.999,
        start="large-balanced",
        teachers=OF_LETTERS,
    ),
)

TEACHING = (
    ladder(
        BALANCED,
        "teacher",
        epochs=16,
        learning_rate=4e-3,
        average=0.999,
        teachers=SERVED,
        distillation=0.5,
    ),
    ladder(DIGITS, "teacher", epochs=16, learning_rate=4e-3, average=0.999, augmentation=Augmentation()),
)
"""Teachers, trained from scratch so that they err elsewhere than the served network, which makes up half
of their target or none of it."""

SEEN = replace(BALANCED, epochs=8, draws=56_400, teachers=TEACHERS, scanned=0.2, way=0.6)
"""Real scans mixed with images that the networks already know; as their weights move only part of the
way, they forget none of these."""

SCANNED = (
    ladder(SEEN, "small", name="small-scanned", learning_rate=2e-3, start="small-balanced"),
    ladder(
        SEEN, "large", name="large-scanned", learning_rate=1e-3, average=0.999, start="large-balanced"
    ),
)


def earlier(task: str, name: str, **changes: Any) -> Recipe:
    """A network as an earlier project describes it, trained by our recipe except for `changes`."""
    network = {"kind": "lenet", "classes": len(TASKS[task].labels), **changes.pop("network")}
    return replace({"balanced": BALANCED, "digits": DIGITS}[task], name=name, network=network, **changes)


PLAIN = {"label_smoothing": 0.0, "weight_decay": 0.0, "average": 0.0, "augmentation": None}
"""Training as in an introductory course: images without augmentation, the last weights unaveraged."""

NANO_STUDENT = {"convolutions": ((3, 3, 0), (3, 5, 0)), "hidden": (164,), "dropout": 0.5}
PERCEPTRON = {"convolutions": (), "hidden": (256, 128)}
WIDE = {
    "convolutions": ((32, 3, 1), (64, 3, 0), (128, 3, 0)),
    "hidden": (6000, 1200, 400),
    "dropout": 0.25,
}
DENSE = {
    "convolutions": ((32, 3, 1), (64, 3, 1), (128, 3, 1)),
    "hidden": (512, 256, 128),
    "dropout": 0.25,
}

SGD = PLAIN | {"optimizer": "sgd", "schedule": "plateau", "learning_rate": 1e-2, "batch": 64}
ADAM = PLAIN | {"optimizer": "adam", "schedule": "constant", "learning_rate": 1e-3}

EARLIER = (
    earlier("digits", "digits-nano-plain", network=NANO_STUDENT, epochs=150, **SGD),
    earlier(
        "digits",
        "digits-nano",
        network=NANO_STUDENT | {"dropout": 0.0},
        epochs=40,
        weight_decay=0.0,
        label_smoothing=0.0,
        augmentation=GENTLE,
    ),
    earlier("digits", "digits-mlp-plain", network=PERCEPTRON, epochs=20, **ADAM),
    earlier(
        "digits",
        "digits-mlp",
        network=PERCEPTRON | {"normalized": True, "dropout": 0.1},
        epochs=60,
        optimizer="adam",
        learning_rate=3e-3,
        weight_decay=0.0,
        augmentation=GENTLE,
    ),
    earlier("balanced", "balanced-wide-plain", network=WIDE, epochs=3, **ADAM),
    earlier(
        "balanced",
        "balanced-wide",
        network=WIDE,
        epochs=8,
        learning_rate=2e-3,
        patience=2,
        teachers=TEACHERS,
    ),
    earlier(
        "balanced",
        "balanced-augmented",
        network=DENSE,
        epochs=5,
        optimizer="adam",
        learning_rate=3e-3,
        weight_decay=0.0,
        patience=2,
        augmentation=Augmentation(),
    ),
)

RECIPES = {recipe.name: recipe for recipe in (*LADDER, *TEACHING, *SCANNED, *EARLIER)}
