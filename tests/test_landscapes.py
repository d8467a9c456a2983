"""The loss around trained weights: the net is in the middle, its filters set the scale, and it stays as it is."""

import hashlib
import json
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from resnet_lab.data import load_images, stratified
from resnet_lab.inside.jobs import finish
from resnet_lab.inside.landscapes import direction, landscape
from resnet_lab.inside.subjects import Subject, open_subject
from resnet_lab.model_config import ModelConfig
from resnet_lab.nets import build_model
from resnet_lab.run_config import DataConfig
from resnet_lab.weights import write_tensors

pytestmark = pytest.mark.usefixtures("one_thread")
NUM = 140  # more than a slice
# fmt: off
WRONG = [
    ({"dimensions": 3},     "dimensions must be 1 or 2, but is 3"),
    ({"side": 4},           "side must be odd, from 3 to 101, so that the net is one of the points, but is 4"),
    ({"side": 103},         "but is 103"),
    ({"num_images": 0},     "num_images must be at least 1, but is 0"),
    ({"radius": 0.0},       "radius must be a number above 0, but is 0.0"),
    ({"split": "all"},      "split must be 'train' or 'test', but is 'all'"),
]
# fmt: on


@pytest.fixture(scope="module")
def subject(tmp_path_factory):
    """Its batch normalisation has seen some pictures, and its biases are not zero."""
    torch.manual_seed(0)
    model = ModelConfig(depth=8, width=0.25, block={"shortcut": "exclusive_gating"})
    net = build_model(model)
    net(torch.randn(32, 3, 32, 32))
    path = tmp_path_factory.mktemp("landscapes") / "weights.safetensors"
    write_tensors(path, net.state_dict(), {})
    data = DataConfig(name="synthetic")
    return Subject(id="a", title="A net", origin="run", model=model, data=data, weights=str(path))


def around(*subjects, **changes):
    fields = [json.loads(each.to_json()) for each in subjects]
    arguments = {"dimensions": 1, "side": 3, "num_images": NUM, "seed": 0} | changes
    return landscape(subjects=fields, **arguments)


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("dimensions", [1, 2])
def test_the_middle_is_the_net_itself(subject, split, dimensions):
    found = finish(around(subject, split=split, dimensions=dimensions))
    images = load_images("synthetic", split)
    chosen = stratified(images.labels, NUM)
    labels = torch.from_numpy(images.labels[chosen]).long()
    logits = open_subject(subject)(torch.from_numpy(images.pixels[chosen]).float() / 255)
    middle = (0, *[1] * dimensions)
    assert found.tensors["loss"][middle] == pytest.approx(functional.cross_entropy(logits, labels).item(), rel=1e-5)
    assert found.tensors["error"][middle] == (logits.argmax(1) != labels).double().mean()
    assert found.tensors["at"].tolist() == [-1, 0, 1]
    assert found.record["words"] == f"140 {'training' if split == 'train' else split} images of Synthetic patterns"


def test_each_filter_of_a_direction_is_as_long_as_the_nets(subject):
    net = open_subject(subject)
    moves = direction(net, seed=0, axis=0)
    for name, weights in net.named_parameters():
        if weights.dim() < 2:  # of batch normalisation, and biases
            assert name not in moves
            continue
        norms = [each.flatten(1).norm(dim=1) for each in (moves[name], weights)]
        torch.testing.assert_close(*norms)
        assert not torch.allclose(moves[name], weights)


def test_a_cut_is_the_middle_row_of_the_plane(subject):
    cut, plane = (finish(around(subject, dimensions=number)) for number in (1, 2))
    for name in ("loss", "error"):
        assert plane.tensors[name].shape == (1, 3, 3)
        assert cut.tensors[name].equal(plane.tensors[name][:, 1])
    assert not plane.tensors["loss"][0, 1].equal(plane.tensors["loss"][0, :, 1])


def test_the_seed_gives_the_directions_to_all_nets_alike(subject):
    first, again, other = (finish(around(subject, subject, seed=seed)).tensors["loss"] for seed in (1, 1, 2))
    assert first.equal(again)
    assert first[0].equal(first[1])
    assert first[0, 1] == other[0, 1]
    assert first[0, 0] != other[0, 0]


def test_the_weights_stay_as_they_are(subject):
    def digest():
        return hashlib.sha256(Path(subject.weights).read_bytes()).hexdigest()

    before = digest()
    finish(around(subject, dimensions=2))
    assert digest() == before


def test_progress_is_told_for_each_point_and_slice(subject):
    steps = [(step.done, step.of) for step in around(subject, subject)]
    assert steps == [(point, 6) for point in range(6) for _ in range(2)]


def test_where_a_net_diverges_that_is_what_is_shown(subject):
    found = finish(around(subject, radius=1e30))
    loss, error = found.tensors["loss"][0], found.tensors["error"][0]
    assert not loss[[0, 2]].isfinite().any()
    assert error.tolist() == [1, error[1], 1]
    assert loss[1].isfinite()


@pytest.mark.parametrize(("wrong", "words"), WRONG)
def test_what_cannot_be_is_refused_in_a_sentence(subject, wrong, words):
    with pytest.raises(ValueError, match=words):
        finish(around(subject, **wrong))
