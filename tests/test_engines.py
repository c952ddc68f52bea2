"""The engines that run networks: all say what torch says, whatever the batch, however cascades nest."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any
from weakref import ref

import numpy as np
import pytest

from model.card import WEIGHTS, BadCard, Card, Precision, read_card, read_cards
from model.checkpoint import load_checkpoint
from model.engines import openvino_predictor
from model.engines.compiled import COARSE, DENSE, FINE, Compiled, _compiler, passes
from model.engines.opening import _precision, open_predictor
from model.engines.openvino_predictor import (
    MARGINS,
    OpenVinoPredictor,
    _is_doubtful,
    _is_near,
    _is_tie,
    _settled,
    native_precisions,
    read_graphs,
)
from model.engines.predictor import Floats, Images, Predictor
from model.engines.torch_predictor import TorchPredictor
from model.storage import read_checkpoint, write_card
from training.ranges import input_ranges
from training.sets.data import Set

from samples import glyphs
from untrained import CONVNET, LENET, PERCEPTRON, cascade, ensemble, untrained

LAYOUTS = {
    "convnet": CONVNET,
    "lenet": LENET,
    "perceptron": PERCEPTRON,
    "cascade": cascade(PERCEPTRON, CONVNET, 0.25),
    "nested": cascade(PERCEPTRON, cascade(LENET, CONVNET, 0.13), 0.18),
    "ensemble": ensemble(LENET, CONVNET, PERCEPTRON),
    "asks an ensemble": cascade(PERCEPTRON, ensemble(LENET, CONVNET), 0.18),
}


@pytest.mark.parametrize("network", LAYOUTS.values(), ids=LAYOUTS)
def test_every_layout_says_what_torch_says(
    network: Mapping[str, Any], tmp_path: Path, rng: np.random.Generator
) -> None:
    untrained(network, tmp_path)
    images = glyphs(300, rng)
    fast, reference = (open_predictor("new", tmp_path, "cpu", each) for each in ("openvino", "torch"))
    np.testing.assert_allclose(fast.logits(images), reference.logits(images), rtol=1e-4, atol=1e-4)
    assert fast.logits(images[:0]).shape == (0, 10)


@pytest.mark.parametrize("name", read_cards(WEIGHTS))
def test_shipped_networks_say_what_torch_says(name: str, rng: np.random.Generator) -> None:
    images = glyphs(300, rng)
    fast = open_predictor(name, device="cpu", engine="openvino", precision="float32")
    reference = TorchPredictor.load(name, device="cpu")
    np.testing.assert_allclose(
        fast.probabilities(images), reference.probabilities(images), rtol=0, atol=1e-4
    )


@pytest.mark.parametrize("name", read_cards(WEIGHTS))
@pytest.mark.parametrize("precision", native_precisions())
def test_an_answer_does_not_depend_on_its_batch(
    name: str, precision: Any, rng: np.random.Generator
) -> None:
    predictor = open_predictor(name, device="cpu", engine="openvino", precision=precision)
    images = glyphs(130, rng)
    together = predictor.outputs(images)
    for size in (1, 7, 64):
        apart = [predictor.outputs(images[at : at + size]) for at in range(0, len(images), size)]
        np.testing.assert_array_equal(np.concatenate(apart), together)


def read(name: str, folder: Path, images: Images) -> Mapping[Precision, Floats]:
    """Logits in every precision that this machine has."""
    return {
        each: open_predictor(name, folder, "cpu", "openvino", each).logits(images)
        for each in native_precisions()
    }


@pytest.mark.parametrize("name", read_cards(WEIGHTS))
def test_reduced_precision_decides_as_float32(name: str, rng: np.random.Generator) -> None:
    found = {key: logits.argmax(axis=1) for key, logits in read(name, WEIGHTS, glyphs(300, rng)).items()}
    settled = set(MARGINS) if read_card(WEIGHTS / f"{name}.json").ranges else {"mixed"}
    for precision in settled & set(found):
        np.testing.assert_array_equal(found[precision], found["float32"])


@pytest.mark.parametrize("kind", LAYOUTS)
def test_every_layout_is_read_in_reduced_precision(
    kind: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    images = glyphs(300, rng)
    card = with_ranges(untrained(LAYOUTS[kind], tmp_path), tmp_path, images)
    assert card.ranges or kind in ("lenet", "perceptron")
    found = {key: logits.argmax(axis=1) for key, logits in read("new", tmp_path, images).items()}
    exact = found["float32"]
    for precision in set(MARGINS) & set(found):
        differ = (found[precision] != exact).sum()
        assert differ <= max(5, (found.get("bfloat16", exact) != exact).sum())


def with_ranges(card: Card, folder: Path, images: Images) -> Card:
    """Its card in `folder` with the ranges that it has on `images`."""
    _, network = load_checkpoint(card.name, folder)
    data = Set(images, np.zeros(len(images), np.int64))
    card = replace(card, ranges=input_ranges(card, network, data), precision="int8")
    write_card(card, folder)
    return card


@pytest.mark.skipif("int8" not in native_precisions(), reason="this CPU has no AVX-512 VNNI")
def test_layers_of_known_range_are_computed_in_integers(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    images = glyphs(64, rng)
    card = with_ranges(untrained(CONVNET, tmp_path), tmp_path, images)
    graphs = read_graphs(*read_checkpoint("new", tmp_path), precision="int8")
    fast, exact = (
        Compiled(graphs.integers[""], "convnet", "f32"),
        Compiled(graphs.floats[""], "convnet", "f32"),
    )
    difference = abs(fast(images) - exact(images)).max()
    assert 0 < difference < 0.1 * exact(images).std()
    assert len(card.ranges) == 2
    assert _precisions_of(fast, "Convolution") == ["f32", "f32", "u8", "u8"]


def _precisions_of(compiled: Compiled, kind: str) -> list[str]:
    """In which the layers of this kind are computed, in order."""
    (request,) = list(compiled._requests.values())[:1]
    infos = [
        each.get_rt_info() for each in request.get_compiled_model().get_runtime_model().get_ordered_ops()
    ]
    return [info["runtimePrecision"] for info in infos if info["layerType"] == kind]


def test_a_precision_that_the_processor_lacks_gives_way_to_float32() -> None:
    ranges = {"features.7": 1.0}
    card = Card("new", CONVNET, "0123456789", "mnist", 0.1, 0.3, 1, precision="int8", ranges=ranges)
    assert _precision(card, "auto", ["float32", "mixed", "bfloat16", "int8"]) == "int8"
    assert _precision(card, "auto", ["float32", "int8"]) == "int8"
    assert _precision(card, "auto", ["float32", "mixed", "bfloat16"]) == "float32"
    assert _precision(card, "mixed", ["float32", "mixed", "bfloat16", "int8"]) == "mixed"
    bare = replace(card, precision="bfloat16", ranges={})
    assert _precision(bare, "auto", ["float32", "int8"]) == "float32"
    assert _precision(bare, "int8", ["float32", "mixed", "bfloat16", "int8"]) == "bfloat16"


def test_int8_is_refused_where_its_sums_would_overflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openvino_predictor, "native_precisions", lambda: ["float32"])
    with pytest.raises(RuntimeError, match="AVX-512 VNNI"):
        open_predictor("digits", device="cpu", engine="openvino", precision="int8")


@pytest.mark.parametrize(
    ("native", "hint"), [(["float32", "int8"], "f32"), (["float32", "bfloat16", "int8"], "bf16")]
)
def test_what_is_no_integer_is_bfloat16_only_where_that_is_native(
    native: list[Precision], hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openvino_predictor, "native_precisions", lambda: native)
    card, weights = read_checkpoint("digits", WEIGHTS)
    fast, exact = OpenVinoPredictor(card, read_graphs(card, weights, None, "int8"), "int8")._parts
    assert (fast._hint, exact._hint) == (hint, "f32")


@pytest.mark.parametrize("most", [0.0, -1.0, float("nan"), float("inf"), "x", None])
def test_ranges_that_are_no_numbers_above_0_are_refused(most: Any, tmp_path: Path) -> None:
    card = untrained(CONVNET, tmp_path)
    write_card(replace(card, ranges={"features.7": most}), tmp_path)
    with pytest.raises(BadCard):
        read_checkpoint("new", tmp_path)


def test_what_is_nearly_a_tie_is_settled_and_nothing_else() -> None:
    tie, near = MARGINS["mixed"]
    said = np.array([[0, 1, 1 + 0.9 * tie], [5, 1, 1], [0, 1 + 1.1 * tie, 1]], np.float32)
    asked: list[int] = []

    def exact(images: Images) -> Floats:
        asked.extend(images[:, 0, 0].tolist())
        return np.full((len(images), 3), 7, np.float32)

    settled = _settled(lambda images: said.copy(), exact, [partial(_is_tie, 3, tie)])
    images = np.arange(3, dtype=np.uint8)[:, None, None].repeat(28, 1).repeat(28, 2)
    np.testing.assert_array_equal(settled(images), np.concatenate([[[7] * 3], said[1:]]))
    assert asked == [0]
    likely = np.array([0.6 + share * near for share in (-1.1, -0.9, 0.9, 1.1)], np.float32)
    logits, verdicts = np.log([likely, 1 - likely]).T, np.log([likely, 1 - likely, 0 * likely + 1e-9]).T
    outputs = np.concatenate([1.5 * logits, 0.5 * verdicts], axis=1)
    assert _is_near(2, 1.5, 0.6, near, outputs).tolist() == [False, True, True, False]
    screen = Card("a", {}, "1+-", "mnist", 0.1, 0.3, 1, temperature=0.5, uncertain_below=0.6)
    assert _is_doubtful(2, screen, near, outputs).tolist() == [False, True, True, False]
    equal = np.ones((1, 5), np.float32)
    equal[0, [0, 4]] += 1.1 * tie
    assert not _is_tie(2, tie, equal).any(), "of a screen, nothing counts"


@pytest.mark.parametrize("sizes", [FINE, COARSE, DENSE, (1,), (1, 8)])
def test_any_number_of_images_goes_through_passes_of_few_sizes(sizes: Sequence[int]) -> None:
    met = set()
    for count in range(300):
        found = passes(count, sizes)
        ends = [0, *(at + size for at, size in found)]
        assert [at for at, _ in found] == ends[:-1]
        assert 0 <= ends[-1] - count < max(4, sizes[0])  # hardly filled up
        met |= {size for _, size in found}
    assert met == set(sizes)


def test_every_image_has_its_answer_while_sizes_are_compiled_and_after(
    rng: np.random.Generator,
) -> None:
    card, weights = read_checkpoint("digits-nano")
    compiled, images = Compiled(read_graphs(card, weights).floats[""], "convnet", "f32"), glyphs(90, rng)
    rows = np.concatenate([compiled(images[at : at + 1]) for at in range(len(images))])
    for _ in range(2):
        for count in (1, 3, 7, 15, 16, 31, 63, 64, 65, 90):
            np.testing.assert_array_equal(compiled(images[:count]), rows[:count])
        compiled.wait()
    assert set(compiled._requests) == {1, 2, 8, 16, 32, 64}


def test_sizes_are_not_compiled_for_a_network_that_is_gone(rng: np.random.Generator) -> None:
    card, weights = read_checkpoint("digits-nano")
    compiled, busy = Compiled(read_graphs(card, weights).floats[""], "convnet", "f32"), Event()
    _compiler.submit(busy.wait)
    try:
        compiled(glyphs(90, rng))
        still = ref(compiled)
        del compiled
        assert still() is None
    finally:
        busy.set()


def test_answers_are_kept_when_the_next_batch_is_read(rng: np.random.Generator) -> None:
    predictor = open_predictor("digits", device="cpu", engine="openvino")
    images = glyphs(20, rng)
    first = predictor.logits(images[:10])
    before = first.copy()
    predictor.logits(images[10:])
    np.testing.assert_array_equal(first, before)


def test_the_precision_of_the_card_is_taken_where_the_processor_has_it(tmp_path: Path) -> None:
    untrained(CONVNET, tmp_path)
    assert "float32" in open_predictor("new", tmp_path, "cpu").engine
    card, weights = read_checkpoint("new", tmp_path)
    card.__dict__["precision"] = "bfloat16"
    (tmp_path / "new.json").write_text(card.to_json())
    expected = "bfloat16" if "bfloat16" in native_precisions() else "float32"
    assert expected in open_predictor("new", tmp_path, "cpu").engine
    assert "float32" in open_predictor("new", tmp_path, "cpu", precision="float32").engine
    assert "1 thread" in OpenVinoPredictor(card, read_graphs(card, weights)).engine


def test_an_engine_that_is_told_is_the_one_that_runs() -> None:
    for engine in ("torch", "openvino"):
        predictor: Predictor = open_predictor("digits", device="cpu", engine=engine)  # type: ignore[arg-type]
        assert predictor.engine.lower().startswith(engine)
        assert predictor.device == "cpu"


def test_an_engine_that_has_no_such_device_is_refused() -> None:
    with pytest.raises(RuntimeError, match="not on 'cuda'"):
        open_predictor("digits", device="cuda", engine="openvino")


@pytest.mark.parametrize("device", ["cuda:99", "abacus"])
def test_a_device_that_is_not_there_is_refused_in_a_line(device: str) -> None:
    with pytest.raises(RuntimeError, match=f"^device '{device}' cannot be used: .+") as refused:
        open_predictor("digits", device=device)
    assert "\n" not in str(refused.value)


def test_a_fault_of_ours_is_laid_on_no_device(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("ours")

    monkeypatch.setattr(TorchPredictor, "load_screened", fail)
    with pytest.raises(AssertionError, match="ours"):
        open_predictor("digits", device="cpu", engine="torch")


def test_a_processor_needs_no_torch_and_nobody_is_told_of_it() -> None:
    code = """
import sys
sys.modules["torch"] = None
import numpy as np
import worker.engine
from model.engines.opening import open_predictor
predictor = open_predictor("balanced")
predictor.warm_up()
print(predictor.logits(np.zeros((3, 28, 28), np.uint8)).shape, "openvino_telemetry" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "(3, 47) False\n"


def test_a_worker_loads_no_converter_that_calls_home() -> None:
    code = """
import sys
import worker.engine
from model.engines.opening import open_predictor
open_predictor("digits-nano", device="cpu", engine="openvino").warm_up()
print(sorted(name for name in sys.modules if "ovc" in name or "telemetry" in name and "openvino" in name
             if sys.modules[name]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_device_without_torch_is_refused_with_what_to_install() -> None:
    code = """
import importlib.util
import model.engines.opening as opening
opening.find_spec = lambda name: None
opening.open_predictor("digits", device="cuda")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (
        "RuntimeError: device 'cuda' needs torch: in Inkqueue's folder, pip install '.[torch]'"
        in done.stderr
    )
