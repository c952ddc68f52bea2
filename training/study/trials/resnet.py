"""ResNet-18 (He et al. 2016) under torchvision's names, so that its published ImageNet weights fit."""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn.functional import pad, relu

from model.card import BadCard

from .glyphs import brightness

Tensors = dict[str, torch.Tensor]

STAGES = (64, 128, 256, 512)
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's red, green and blue in 0..1, as torchvision's weights expect."""

FRAME = 2
HEAD = "fc."
COUNTER = ".num_batches_tracked"
"""The ending of batch normalization's counters; older files have no such tensors."""

WHERE = (
    "wanted are torchvision's weights of ResNet-18 on ImageNet, a state dict as .pth or .safetensors: "
    "torchvision.models.resnet18(weights='IMAGENET1K_V1') downloads them, as resnet18-f37072fd.pth"
)


class Block(nn.Module):
    """Two 3x3 convolutions beside a shortcut; `stride` 2 halves the side, a 1x1 fits the shortcut."""

    def __init__(self, width: int, out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.downsample = nn.Sequential()
        if stride > 1 or width != out:
            self.downsample = nn.Sequential(
                nn.Conv2d(width, out, 1, stride, bias=False), nn.BatchNorm2d(out)
            )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(n, width, h, w) -> (n, out, h / stride, w / stride)."""
        inner = self.bn2(self.conv2(relu(self.bn1(self.conv1(images)))))
        return relu(inner + self.downsample(images))


class ResNet18(nn.Module):
    """The network, for grey glyphs: (n, 1, 28, 28) float32, scaled, gives (n, classes) logits.

    A glyph is brought back to 0..1, framed in black to 32x32, repeated to red, green and blue, and
    normalized as ImageNet's images are.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, STAGES[0], 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(STAGES[0])
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        width = STAGES[0]
        for number, out in enumerate(STAGES, 1):
            first = Block(width, out, stride=1 if number == 1 else 2)
            self.add_module(f"layer{number}", nn.Sequential(first, Block(out, out, 1)))
            width = out
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(width, classes)
        self.apply(initialize)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits (n, classes)."""
        features = self.maxpool(relu(self.bn1(self.conv1(self.as_imagenet(images)))))
        for number in range(1, len(STAGES) + 1):
            features = self.get_submodule(f"layer{number}")(features)
        logits: torch.Tensor = self.fc(self.avgpool(features).flatten(1))
        return logits

    def as_imagenet(self, images: torch.Tensor) -> torch.Tensor:
        """(n, 1, 28, 28) as `glyphs.scaled` gave it -> (n, 3, 32, 32) as ImageNet's images are."""
        grey = pad(brightness(images, self.fc.out_features), (FRAME,) * 4)
        mean, std = (torch.tensor(each, device=grey.device).view(3, 1, 1) for each in (MEAN, STD))
        return (grey - mean) / std


def initialize(module: nn.Module) -> None:
    """Initialize a convolution as in He et al. 2015, for ReLU; leave all else as torch made it."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


def load_imagenet(module: nn.Module, path: Path) -> None:
    """Load all weights in a file into a ResNet18, except the head, which stays. Raises BadCard."""
    found = read_tensors(path)
    mine = module.state_dict()
    wanted = {key: value.shape for key, value in mine.items() if not key.startswith(HEAD)}
    lacking = [key for key in wanted if key not in found and not key.endswith(COUNTER)]
    unfit = [key for key in wanted if key in found and found[key].shape != wanted[key]]
    strange = [key for key in found if key not in mine]
    for what, names in (("missing", lacking), ("of another shape", unfit), ("unknown", strange)):
        if names:
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            raise BadCard(f"{path}: not the weights of a ResNet-18: {what}: {names[0]}{more}; {WHERE}")
    module.load_state_dict(mine | {key: found[key] for key in wanted if key in found})


def read_tensors(path: Path) -> Tensors:
    """The tensors in a .pth or .safetensors, by name; no other object is read. Raises BadCard."""
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # files that are damaged, or hold objects, raise many kinds
        raise BadCard(f"{path}: it cannot be read ({first_line(error)}); {WHERE}") from error
    if isinstance(found, dict) and all(isinstance(each, torch.Tensor) for each in found.values()):
        return found
    raise BadCard(f"{path}: no state dict; {WHERE}")


def first_line(error: Exception) -> str:
    """What torch says, without its advice."""
    return str(error).split("\n")[0] or type(error).__name__
