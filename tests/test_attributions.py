"""Maps: what Captum needs is true of every net, nothing is left behind, and the numbers are those of the formulas."""

import hashlib
import json
from collections import Counter

import pytest
import torch
from torch import nn

from resnet_lab.cards import CARDS
from resnet_lab.inside.attributions import attribute, conductance, maps, values
from resnet_lab.inside.baselines import BASELINES, baselines_for
from resnet_lab.inside.jobs import finish
from resnet_lab.inside.methods import METHODS
from resnet_lab.inside.questions import Question
from resnet_lab.inside.segments import superpixels
from resnet_lab.inside.specimens import pixels_of
from resnet_lab.inside.subjects import PixelNet, Subject
from resnet_lab.inside.targets import Target, aim
from resnet_lab.model_config import ModelConfig
from resnet_lab.nets import build_model
from resnet_lab.run_config import DataConfig
from resnet_lab.weights import write_tensors

pytestmark = pytest.mark.usefixtures("one_thread")
SMALL = {"steps": 4, "samples": 4, "window": 16, "stride": 16, "superpixels": 9}
FROG, SHIP = {"kind": "class", "class": 6}, {"kind": "difference", "class": 8, "other": 1}
GATED = {"exclusive_gating", "shortcut_only_gating"}


def tiny(card, seed=0):
    torch.manual_seed(seed)
    net = build_model(ModelConfig(depth=8, width=0.25, block=CARDS[card].block))
    for module in net.modules():  # as if it had been trained: statistics that are not 0 and 1
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return PixelNet(net, DataConfig())


@pytest.fixture(scope="module")
def pictures():
    return pixels_of(["y0", "y1"])


@pytest.fixture
def subject(tmp_path):
    path = tmp_path / "weights.safetensors"
    net = tiny("identity").net
    write_tensors(path, net.state_dict(), {})
    config = ModelConfig(depth=8, width=0.25, block=CARDS["identity"].block)
    one = Subject(id="a", title="A", origin="run", model=config, data=DataConfig(), weights=str(path))
    return json.loads(one.to_json())


def hooks(module):
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return sum(len(getattr(each, kind)) for each in module.modules() for kind in kinds)


def state(net):
    return {name: tensor.clone() for name, tensor in net.state_dict().items()}


def same(first, second):
    return all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("card", CARDS)
def test_every_relu_is_a_module_of_its_own_used_once_and_not_in_place(card, pictures):
    net, calls = tiny(card), Counter()
    relus = [module for module in net.modules() if isinstance(module, nn.ReLU)]
    for relu in relus:
        relu.register_forward_hook(lambda module, inputs, output: calls.update([module]))
    with torch.profiler.profile() as profile:
        net(pictures)
    assert set(calls.values()) == {1}
    assert len(calls) == len(relus)
    assert not any(relu.inplace for relu in relus)
    events = {event.key: event.count for event in profile.key_averages()}
    assert events.get("aten::relu", 0) == len(relus)  # none is functional
    assert "aten::relu_" not in events


@pytest.mark.parametrize("card", sorted(set(CARDS) - GATED))
def test_deep_lift_adds_up_in_every_net_without_gates(card, pictures):
    net = tiny(card)
    found = attribute(net, pictures, Question.read("deep_lift", FROG, "blur"))
    expected = [float(net(x)[0, 6] - net(baselines_for("blur", net, x, 0))[0, 6]) for x in pictures.split(1)]
    assert found.sum((1, 2)).tolist() == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_a_map_leaves_the_net_as_it_was_even_one_in_train_mode(method, pictures):
    net = tiny("identity")
    before = state(net)
    expected = attribute(net, pictures, Question.read(method, FROG, settings=SMALL))
    net.train()
    assert torch.equal(attribute(net, pictures, Question.read(method, FROG, settings=SMALL)), expected)
    assert same(before, state(net))
    assert hooks(net) == 0
    assert not any(module.training for module in net.modules())
    assert all(parameter.grad is None for parameter in net.parameters())


class Broken(nn.Module):
    def forward(self, x):
        raise RuntimeError("broken on purpose")


@pytest.mark.parametrize("method", METHODS)
def test_no_hook_survives_an_exception(method, pictures):
    net = tiny("identity")
    aimed = aim(net, pictures[:1], Target.read(FROG))
    net.net.head = Broken()
    with pytest.raises(RuntimeError, match="on purpose"):
        finish(values(aimed, pictures[:1], Question.read(method, FROG, settings=SMALL)))
    assert hooks(aimed) == 0


@pytest.mark.parametrize("method", METHODS)
def test_no_hook_survives_a_job_that_is_given_up(method, pictures):
    net = tiny("identity")
    aimed = aim(net, pictures[:1], Target.read(FROG))
    numbers = torch.random.get_rng_state()
    job = values(aimed, pictures[:1], Question.read(method, FROG, settings={**SMALL, "noise": 40, "steps": 20}))
    next(job)
    job.close()
    assert hooks(aimed) == 0
    assert torch.equal(torch.random.get_rng_state(), numbers)


def test_the_file_of_weights_stays_as_it_is(subject):
    def checksum():
        with open(subject["weights"], "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()

    before = checksum()
    finish(maps([subject], ["y0"], list(METHODS), SHIP, settings=SMALL))
    finish(conductance([subject], "y0", FROG))
    assert checksum() == before


def test_logits_are_explained_and_not_the_softmax(pictures):
    net, x = tiny("identity"), pictures[:1].clone().requires_grad_()
    logit = net(x)[0, 6]
    (gradient,) = torch.autograd.grad(logit, x)
    found = attribute(net, pictures[:1], Question.read("saliency", FROG))
    assert torch.allclose(found[0], gradient.sum(1)[0], atol=1e-6)
    found = attribute(net, pictures[:1], Question.read("input_x_gradient", FROG))
    assert torch.allclose(found[0], (x * gradient).sum(1)[0].detach(), atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_maps_are_not_normalised_picture_by_picture(method, pictures):
    """Twice the logits are twice the map, and four times where it is a product of two."""
    factor = 4 if method == "guided_grad_cam" else 2
    net = tiny("identity")
    once = attribute(net, pictures, Question.read(method, FROG, settings=SMALL))
    net.net.head.weight.mul_(2)
    net.net.head.bias.mul_(2)
    assert torch.allclose(
        attribute(net, pictures, Question.read(method, FROG, settings=SMALL)), factor * once, rtol=1e-3
    )
    assert once.abs().max() > 0


@pytest.mark.parametrize("stage", [-1, 0, 1, 2])
def test_grad_cam_is_never_negative(stage, pictures):
    found = attribute(tiny("full_preact"), pictures, Question.read("grad_cam", SHIP, settings={"stage": stage}))
    assert found.min() >= 0


def linear(weight):
    """A net whose logit 6 is weight · pixels."""
    net = tiny("identity")
    net.forward = lambda pixels: torch.stack([(pixels * weight).sum((1, 2, 3)) * (c == 6) for c in range(10)], 1)
    return net


def test_of_a_linear_net_each_method_finds_the_weights(pictures):
    weight, x = torch.randn(3, 32, 32, generator=torch.Generator().manual_seed(0)), pictures[:1]
    product = (weight * x[0]).sum(0)
    for method, expected in {
        "saliency": weight.sum(0),
        "input_x_gradient": product,
        "integrated_gradients": product,
        "deep_lift": product,
        "gradient_shap": product,
    }.items():
        found = attribute(linear(weight), x, Question.read(method, FROG))
        assert torch.allclose(found[0], expected, atol=1e-4), method
    squares = attribute(linear(weight), x, Question.read("occlusion", FROG, settings={"window": 16, "stride": 16}))
    lost = torch.nn.functional.avg_pool2d(product[None], 16) * 256  # what covering each quarter takes away
    assert torch.allclose(squares[0, ::16, ::16], lost[0], atol=1e-3)
    pieces = attribute(linear(weight), x, Question.read("feature_ablation", FROG))
    assert torch.allclose(pieces.sum(), product.sum(), atol=1e-3)


def test_integrated_gradients_add_up_with_many_steps(subject):
    few, many = (
        finish(maps([subject], ["y0", "y1"], ["integrated_gradients"], FROG, "mean", {"steps": steps}))
        for steps in (4, 100)
    )
    deltas = torch.tensor(many.record["deltas"]).abs()
    assert deltas.max() < 0.02
    assert deltas.mean() < torch.tensor(few.record["deltas"]).abs().mean()


def test_conductance_through_a_plain_branch_is_all_of_the_change(tmp_path):
    net = tiny("none")
    write_tensors(tmp_path / "w.safetensors", net.net.state_dict(), {})
    config = ModelConfig(depth=8, width=0.25, block=CARDS["none"].block)
    plain = Subject(
        id="p", title="P", origin="run", model=config, data=DataConfig(), weights=str(tmp_path / "w.safetensors")
    )
    found = finish(conductance([json.loads(plain.to_json())], "y0", FROG, "mean"))
    assert found.tensors["share_0"].tolist() == pytest.approx([1, 1, 1], abs=0.1)
    assert found.tensors["unit_0"].sum() == pytest.approx(3 * found.record["changes"][0], rel=0.1)


def test_maps_have_the_promised_shapes_and_the_same_seed_gives_the_same_maps(subject):
    job = maps([subject, subject], ["y0", "y1"], ["gradient_shap", "grad_cam"], {"kind": "predicted"}, "noise", SMALL)
    found = finish(job)
    assert found.tensors["maps"].shape == (2, 2, 2, 32, 32)
    assert found.tensors["probabilities"].sum(-1).allclose(torch.ones(2, 2))
    assert torch.equal(found.tensors["maps"][0], found.tensors["maps"][1])
    assert all(type(delta) is float for delta in found.record["deltas"][0][0])
    assert found.record["deltas"][0][1] == [None, None]


@pytest.mark.parametrize("method", [name for name, method in METHODS.items() if method.fits_noise])
def test_noisy_copies_are_averaged_over_slices(method, subject):
    settings = SMALL | {"noise": 20, "steps": 10}
    slices = list(maps([subject], ["y0"], [method], FROG, settings=settings))
    assert slices[0].of == len(slices) == (4 if method == "integrated_gradients" else 1)


@pytest.mark.parametrize("kind", BASELINES)
def test_baselines_are_pictures_in_pixels(kind, pictures):
    found = baselines_for(kind, tiny("identity"), pictures[:1], seed=3, num=2)
    assert found.shape == (2 if kind == "noise" else 1, 3, 32, 32)
    assert found.min() >= 0
    assert found.max() <= 1
    assert torch.equal(found, baselines_for(kind, tiny("identity"), pictures[:1], seed=3, num=2))


def test_superpixels_are_about_as_many_as_wanted_and_numbered_without_gaps(pictures):
    ids = superpixels(pictures[0], 49)
    assert 25 <= len(ids.unique()) <= 49
    assert ids.max() + 1 == len(ids.unique())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("grad", FROG), "method must be 'saliency'"),
        (("saliency", {"kind": "class", "class": 10}), "from 0 to 9, but is 10"),
        (("saliency", {"kind": "class"}), "has the fields 'kind' and 'class'"),
        (("saliency", FROG, "white"), "baseline must be 'black'"),
        (("saliency", FROG, "black", {"steps": 1000}), "steps must be a whole number from 2 to 100"),
        (("saliency", FROG, "black", {"colour": 1}), "no setting 'colour'"),
        (("grad_cam", FROG, "black", {"stage": 3}), "stage must be at most 2"),
    ],
)
def test_what_cannot_be_asked_is_said_in_a_sentence(arguments, words, pictures):
    with pytest.raises(ValueError, match=words):
        attribute(tiny("identity"), pictures, Question.read(*arguments))


@pytest.mark.parametrize("method", ["guided_backprop", "guided_grad_cam"])
def test_guided_backpropagation_refuses_a_net_with_other_activations(method, pictures):
    block = CARDS["identity"].block.changed(placement="custom", pre="", post="bn", after="silu")
    net = PixelNet(build_model(ModelConfig(depth=8, width=0.25, block=block)), DataConfig())
    with pytest.raises(ValueError, match="all ReLU"):
        attribute(net, pictures, Question.read(method, FROG))
