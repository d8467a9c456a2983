"""The paths of a net: their sum is the net, and each of them is what an enumeration by hand gives."""

import json
from itertools import combinations

import pytest
import torch
from torch.nn import functional

from resnet_lab.cards import CARDS
from resnet_lab.inside.jobs import finish
from resnet_lab.inside.lesions import lesion
from resnet_lab.inside.paths import check_paths, gradient, logit_terms, path_accuracy, path_gradients
from resnet_lab.inside.subjects import PixelNet, Subject
from resnet_lab.model_config import ModelConfig
from resnet_lab.nets import build_model
from resnet_lab.placements import PLACEMENTS
from resnet_lab.run_config import DataConfig
from resnet_lab.weights import write_tensors

pytestmark = pytest.mark.usefixtures("one_thread")
DATA = DataConfig(name="synthetic")


def a_net(**fields):
    """In float64; its batch normalisation has seen pictures, and its parameters are no zeros and ones."""
    torch.manual_seed(0)
    config = ModelConfig(**{"depth": 8, "width": 0.25} | fields)
    net = build_model(config)
    net(torch.randn(16, 3, 32, 32))
    for parameter in net.parameters():
        if parameter.dim() <= 1:
            torch.nn.init.normal_(parameter.data, 0.5, 0.5)
    return config, PixelNet(net.double(), DATA)


def a_subject(folder, **fields):
    config, net = a_net(**fields)
    path = folder / "weights.safetensors"
    write_tensors(path, net.float().net.state_dict(), {})
    subject = Subject(id="a", title="A net", origin="run", model=config, data=DATA, weights=str(path))
    return json.loads(subject.to_json())


def pictures():
    return torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def frozen_masks(net, x):
    """The ReLU masks of the undisturbed net, by module."""
    masks, handles = {}, []
    for module in net.modules():
        if isinstance(module, torch.nn.ReLU):
            handles.append(module.register_forward_hook(lambda m, args, out: masks.__setitem__(m, args[0] > 0)))
    net(x)
    for handle in handles:
        handle.remove()
    return masks


def masked_through(layers, x, masks):
    for layer in layers:
        x = x * masks[layer] if isinstance(layer, torch.nn.ReLU) else layer(x)
    return x


def only_branches(net, x, kept, masks):
    """The frozen net with the branches of some units alone."""
    x = net.stem(x)
    for place, unit in enumerate(net.units):
        p = masked_through(unit.pre, x, masks)
        s = masked_through(unit.match, p if unit.starts_preactivated else x, masks)
        x = s + masked_through(unit.branch, p, masks) if place in kept else s
        x = masked_through(unit.after, x, masks)
    return net.head(masked_through(net.final, x, masks).mean((2, 3)))


@pytest.mark.parametrize("projection", ["A", "B", "C"])
@pytest.mark.parametrize("placement", PLACEMENTS)
def test_the_parts_are_those_of_all_subsets_of_branches(placement, projection):
    _, net = a_net(block={"placement": placement}, projection=projection)
    with torch.no_grad():
        masks = frozen_masks(net.net, pictures())
        subsets = [set(kept) for size in range(4) for kept in combinations(range(3), size)]
        whole = {tuple(kept): only_branches(net.net, pictures(), kept, masks) for kept in subsets}
        by_hand = [
            sum(
                (-1) ** (len(path) - len(kept)) * whole[tuple(kept)]
                for path in subsets
                if len(path) == length
                for kept in subsets
                if kept <= path
            )
            for length in range(4)
        ]
        torch.testing.assert_close(logit_terms(net.net, pictures()), torch.stack(by_hand))


@pytest.mark.parametrize("unit", ["basic", "bottleneck"])
@pytest.mark.parametrize("placement", PLACEMENTS)
def test_all_paths_together_are_the_net(placement, unit):
    _, net = a_net(block={"placement": placement}, unit=unit, depth={"basic": 14, "bottleneck": 20}[unit])
    with torch.no_grad():
        parts = logit_terms(net.net, pictures())
        assert len(parts) == 7
        torch.testing.assert_close(parts.sum(0), net.net(pictures()), rtol=1e-9, atol=1e-9)


def test_the_accuracy_of_all_paths_is_that_of_the_net_and_the_norms_are_shares(tmp_path):
    subject = a_subject(tmp_path)
    found = finish(path_accuracy(subject, 100))
    assert found.tensors["errors"][-1] == pytest.approx(finish(lesion(subject, [], 100)).record["error"])
    assert found.tensors["errors"].shape == found.tensors["norms"].shape == (4,)
    assert found.tensors["norms"].sum() == pytest.approx(1)
    assert found.record["words"] == "100 test images of Synthetic patterns"


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_the_gradients_of_all_paths_add_up_to_the_gradient(placement):
    _, net = a_net(block={"placement": placement})
    pixels, labels = pictures(), torch.tensor([0, 1, 2])
    paths = [path for size in range(4) for path in combinations(range(3), size)]
    added = sum(gradient(net, pixels, labels, path) for path in paths)
    inputs = net.normalised(pixels).requires_grad_()
    loss = functional.cross_entropy(net.net(inputs), labels, reduction="sum")
    torch.testing.assert_close(added, torch.autograd.grad(loss, inputs)[0])


def test_the_total_of_a_length_is_the_mean_times_the_number_of_its_paths(tmp_path):
    subject = a_subject(tmp_path)
    found, again, more = (finish(path_gradients(subject, 20, draws, seed=1)) for draws in (2, 2, 3))
    assert found.tensors["paths"].tolist() == [1, 3, 3, 1]
    assert found.record["drawn"] == [1, 2, 2, 1]
    assert more.record["drawn"] == [1, 3, 3, 1]
    assert found.tensors["total"].equal(found.tensors["mean"] * found.tensors["paths"])
    assert found.tensors["mean"].equal(again.tensors["mean"])
    assert (found.tensors["mean"] > 0).all()
    assert found.tensors["mean"][[0, 3]].equal(more.tensors["mean"][[0, 3]])


@pytest.mark.parametrize("card", [name for name, card in CARDS.items() if card.block.shortcut != "identity"])
def test_a_net_of_another_shortcut_is_no_sum_over_paths(card):
    with pytest.raises(ValueError, match="Paths need the shortcut 'identity'"):
        check_paths(ModelConfig(block=CARDS[card].block))


def test_a_given_up_job_leaves_the_gradients_as_they_were(tmp_path):
    job = path_gradients(a_subject(tmp_path), 20, 2, 0)
    assert next(job).done == 0
    next(job)
    job.close()
    assert torch.is_grad_enabled()
