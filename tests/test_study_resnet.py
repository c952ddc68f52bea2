"""ResNet-18: the names and shapes of torchvision's, its ImageNet weights taken over, others refused."""

import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from model.card import BadCard
from model.networks import count_parameters
from training.study.trials.resnet import MEAN, STD, ResNet18, load_imagenet

Shapes = dict[str, tuple[int, ...]]

GLYPHS = torch.linspace(-0.5, 2.5, 2 * 28 * 28).view(2, 1, 28, 28)


def norm(name: str, width: int) -> Shapes:
    names = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{each}": (width,) for each in names} | {f"{name}.num_batches_tracked": ()}


def published() -> Shapes:
    """Every tensor of torchvision's resnet18, by the rule of its layers."""
    shapes: Shapes = {"conv1.weight": (64, 3, 7, 7)} | norm("bn1", 64)
    before = 64
    for layer, width in enumerate((64, 128, 256, 512), 1):
        for block in (0, 1):
            name = f"layer{layer}.{block}"
            shapes |= {f"{name}.conv1.weight": (width, width if block else before, 3, 3)}
            shapes |= norm(f"{name}.bn1", width)
            shapes |= {f"{name}.conv2.weight": (width, width, 3, 3)} | norm(f"{name}.bn2", width)
            if width != before and not block:
                shapes |= {f"{name}.downsample.0.weight": (width, before, 1, 1)}
                shapes |= norm(f"{name}.downsample.1", width)
        before = width
    return shapes | {"fc.weight": (1000, 512), "fc.bias": (1000,)}


def shapes_of(module: torch.nn.Module) -> Shapes:
    return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}


@pytest.fixture(scope="module")
def imagenet() -> ResNet18:
    """What stands for the published weights: the same tensors, drawn."""
    torch.manual_seed(1)
    module = ResNet18(1000)
    for tensor in module.state_dict().values():
        if tensor.is_floating_point():
            tensor.uniform_(0.1, 0.3)
    return module


@pytest.fixture(scope="module")
def file(imagenet: ResNet18, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The weights as they are published."""
    path = tmp_path_factory.mktemp("weights") / "resnet18-f37072fd.pth"
    torch.save(imagenet.state_dict(), path)
    return path


def test_names_and_shapes_are_the_published_ones() -> None:
    with torch.device("meta"):
        module = ResNet18(1000)
    assert shapes_of(module) == published()
    assert len(published()) == 122
    assert count_parameters(module) == 11_689_512


@pytest.mark.parametrize("kind", [".pth", ".safetensors"])
def test_everything_but_the_head_is_taken_over(
    kind: str, imagenet: ResNet18, file: Path, tmp_path: Path
) -> None:
    if kind == ".safetensors":
        file = tmp_path / "resnet18.safetensors"
        save_file(imagenet.state_dict(), file)
    module = ResNet18(26)
    head = module.fc.weight.clone()
    load_imagenet(module, file)
    theirs = imagenet.state_dict()
    for name, tensor in module.state_dict().items():
        assert torch.equal(
            tensor, head if name == "fc.weight" else tensor if "fc" in name else theirs[name]
        )


def test_files_without_counters_are_older_and_fit(imagenet: ResNet18, tmp_path: Path) -> None:
    older = {name: each for name, each in imagenet.state_dict().items() if "num_batches" not in name}
    torch.save(older, tmp_path / "older.pth")
    module = ResNet18(26)
    load_imagenet(module, tmp_path / "older.pth")
    assert torch.equal(module.layer4[1].bn2.running_var, imagenet.layer4[1].bn2.running_var)  # type: ignore[index]


class Stranger:
    """An object that unpickling would make."""


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"conv1.weight": torch.zeros(64, 3, 7, 7)}, "missing: bn1.weight and 98 more"),
        ({"layer1.2.conv1.weight": torch.zeros(1)}, "missing: conv1.weight"),
        ([torch.zeros(1)], "no state dict"),
        ({"model": {"conv1.weight": torch.zeros(1)}}, "no state dict"),
        (Stranger(), "it cannot be read"),
    ],
)
def test_other_files_are_refused(content: object, expected: str, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "other.pth")
    said = refusal(tmp_path / "other.pth")
    assert expected in said
    assert "resnet18-f37072fd.pth" in said


def test_a_deeper_network_is_refused(imagenet: ResNet18, tmp_path: Path) -> None:
    deeper = imagenet.state_dict() | {"layer1.2.conv1.weight": torch.zeros(64, 64, 3, 3)}
    torch.save(deeper, tmp_path / "resnet34.pth")
    assert "unknown: layer1.2.conv1.weight;" in refusal(tmp_path / "resnet34.pth")


def test_another_shape_is_refused(imagenet: ResNet18, tmp_path: Path) -> None:
    torch.save(imagenet.state_dict() | {"conv1.weight": torch.zeros(64, 1, 7, 7)}, tmp_path / "grey.pth")
    assert "of another shape: conv1.weight;" in refusal(tmp_path / "grey.pth")


@pytest.mark.parametrize("name", ["nothing.pth", "broken.pth", "broken.safetensors"])
def test_what_cannot_be_read_is_refused(name: str, tmp_path: Path) -> None:
    if name.startswith("broken"):
        (tmp_path / name).write_bytes(b"no weights")
    assert "it cannot be read" in refusal(tmp_path / name)


def refusal(path: Path) -> str:
    module = ResNet18(26)
    before = module.conv1.weight.clone()
    with pytest.raises(BadCard, match=re.escape(str(path))) as caught:
        load_imagenet(module, path)
    assert torch.equal(module.conv1.weight, before)
    return str(caught.value)


@pytest.mark.parametrize(
    ("classes", "glyph_std", "glyph_mean"), [(26, 0.3317, 0.1737), (10, 0.3081, 0.1307)]
)
def test_a_glyph_is_framed_and_scaled_as_photographs_are(
    classes: int, glyph_std: float, glyph_mean: float
) -> None:
    seen = ResNet18(classes).as_imagenet(GLYPHS)
    assert seen.shape == (2, 3, 32, 32)
    for channel, (mean, std) in enumerate(zip(MEAN, STD, strict=True)):
        back = seen[:, channel] * std + mean
        torch.testing.assert_close(back[:, 2:-2, 2:-2], GLYPHS[:, 0] * glyph_std + glyph_mean)
        frame = back.clone()
        frame[:, 2:-2, 2:-2] = 0
        torch.testing.assert_close(frame, torch.zeros(2, 32, 32), atol=1e-6, rtol=0)


def test_it_learns() -> None:
    torch.manual_seed(0)
    module = ResNet18(2).train()
    optimizer = torch.optim.AdamW(module.parameters(), 1e-3, fused=True)
    losses = []
    for _ in range(4):
        loss = torch.nn.functional.cross_entropy(module(GLYPHS), torch.tensor([0, 1]))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 4
