"""What is looked into: a trained net as a module that takes pixels."""

import pytest
import torch

from resnet_lab.batches import load_split
from resnet_lab.inside.subjects import Normalisation, PixelNet, Subject, open_subject
from resnet_lab.nets import build_model
from resnet_lab.run_config import RunConfig
from resnet_lab.weights import WEIGHTS, write_tensors


@pytest.fixture(params=[16, 32])
def config(request):
    return RunConfig().with_fields(depth=8, width=0.25, data="synthetic", test_size=20, resolution=request.param)


@pytest.fixture
def subject(config, tmp_path):
    torch.manual_seed(0)
    write_tensors(tmp_path / WEIGHTS, build_model(config.model).state_dict(), {})
    return Subject(
        id="a", title="A net", origin="run", model=config.model, data=config.data, weights=str(tmp_path / WEIGHTS)
    )


def test_it_answers_to_pixels_as_the_net_was_tested_in_training(config, subject):
    split, whole = (load_split(data, "test", torch.device("cpu")) for data in (config.data, full_size(config.data)))
    net = open_subject(subject)
    expected = net.net(split.normalised(split.pixels))
    torch.testing.assert_close(net(whole.pixels.float() / 255), expected, atol=0.02, rtol=0.02)  # 16×16 is not rounded


def test_what_was_normalised_otherwise_in_training_is_so_here(subject):
    given = Normalisation(mean=(0.1, 0.2, 0.3), std=(0.5, 0.6, 0.7))
    other = Subject.from_json(subject.changed(normalisation=given).to_json())
    inputs = open_subject(other).normalised(torch.full((2, 3, 32, 32), 0.6))
    expected = (0.6 - torch.tensor(given.mean)) / torch.tensor(given.std)
    torch.testing.assert_close(inputs, expected.view(1, 3, 1, 1).expand_as(inputs))


def full_size(data):
    return data.changed(resolution=32)


def test_it_never_trains(subject):
    net = open_subject(subject)
    assert not any(module.training for module in net.modules())
    assert not any(parameter.requires_grad for parameter in net.parameters())
    pixels = torch.rand(2, 3, 32, 32, requires_grad=True)
    net(pixels).sum().backward()
    assert pixels.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in net.parameters())


def test_whoever_opens_it_has_weights_of_its_own(subject):
    first = open_subject(subject)
    with torch.no_grad():
        first.net.head.weight.zero_()
    assert open_subject(subject).net.head.weight.abs().sum() > 0


def test_it_travels_as_json_and_knows_its_classes(subject):
    there = Subject.from_json(subject.to_json())
    assert there == subject
    assert isinstance(open_subject(there), PixelNet)
    assert len(there.classes) == 10
