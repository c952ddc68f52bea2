"""A network for several threads: each has one of its own, and all say the same."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from model.engines.opening import open_predictor
from model.engines.openvino_predictor import OpenVinoPredictor, read_graphs
from model.engines.predictor import Floats, Images
from model.engines.replicas import Replicas
from model.storage import read_checkpoint

from samples import glyphs

PATIENCE_S = 10


class Meeting(OpenVinoPredictor):
    """Two have to be at work at a time."""

    both = threading.Barrier(2, timeout=PATIENCE_S)
    busy = 0

    def forward(self, images: Images) -> Floats:
        self.busy += 1
        assert self.busy == 1  # none is for two threads
        self.both.wait()
        result = super().forward(images)
        self.busy -= 1
        return result


@pytest.fixture
def images(rng: np.random.Generator) -> Images:
    return glyphs(600, rng)


def test_each_thread_has_a_replica_of_its_own(images: Images) -> None:
    card, weights = read_checkpoint("digits-nano")
    shared = read_graphs(card, weights)
    alone = OpenVinoPredictor(card, shared)
    network = Replicas(card, "OpenVINO", lambda: Meeting(card, shared), 2)
    with ThreadPoolExecutor(2) as threads:
        for said in threads.map(network.forward, [images[:40]] * 4):
            np.testing.assert_array_equal(said, alone.forward(images[:40]))
    network.logits(images[:512])  # two parts, which have to meet, too


def test_many_images_are_read_on_all_threads(images: Images) -> None:
    network, alone = open_predictor("digits-nano", threads=2), open_predictor("digits-nano", threads=1)
    assert (network.threads, alone.threads) == (2, 1)
    assert network.engine.endswith("2 threads")
    network.warm_up()
    np.testing.assert_array_equal(network.logits(images), alone.logits(images))
    assert network.logits(images[:0]).shape == (0, 10)


def test_a_network_that_has_settled_has_every_size_of_pass_that_was_asked_for(images: Images) -> None:
    card, weights = read_checkpoint("digits-nano")
    network = OpenVinoPredictor(card, read_graphs(card, weights))
    both = Replicas(card, "OpenVINO", lambda: network, 1)
    both.warm_up()
    assert network._parts[0]._requests
    with pytest.raises(ValueError, match="dimension"):
        both.forward(images[:1, :5])
    assert both._idle == [network]  # a pass that failed gave it back
    both.logits(images[:250])
    both.settle()
    assert all(each.done() for part in network._parts for each in part._coming.values())
    assert 64 in network._parts[0]._requests
