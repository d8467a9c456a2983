"""Lesions are made on copies, silence what they say, and give the errors that others found for a public net."""

import json
import os
from pathlib import Path

import pytest
import torch

from resnet_lab.cards import CARDS
from resnet_lab.data import load_images
from resnet_lab.inside.examples import examples
from resnet_lab.inside.jobs import finish
from resnet_lab.inside.lesions import lesion, random_deletions, reestimated, shared, single_deletions, subsets
from resnet_lab.inside.looked import import_checkpoint
from resnet_lab.inside.slices import at_once
from resnet_lab.inside.subjects import PixelNet, Subject, open_subject
from resnet_lab.inside.surgery import EDITS, edited
from resnet_lab.model_config import ModelConfig
from resnet_lab.nets import build_model
from resnet_lab.run_config import DataConfig
from resnet_lab.weights import write_tensors

pytestmark = pytest.mark.usefixtures("one_thread")
DATA = DataConfig(name="synthetic")
UNITS = {"basic": 14, "bottleneck": 20}  # two units a stage


def a_net(**fields):
    """Its batch normalisation has seen some pictures."""
    torch.manual_seed(0)
    config = ModelConfig(**{"depth": 14, "width": 0.25} | fields)
    net = build_model(config)
    net(torch.randn(32, 3, 32, 32))
    return config, PixelNet(net, DATA)


def a_subject(folder, **fields):
    config, net = a_net(**fields)
    path = folder / "weights.safetensors"
    write_tensors(path, net.net.state_dict(), {})
    subject = Subject(id="a", title="A net", origin="run", model=config, data=DATA, weights=str(path))
    return json.loads(subject.to_json())


def pixels(num=4):
    return torch.rand(num, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def after(config, net, *edits):
    with torch.no_grad():
        return edited(net, config, edits)(pixels())


def is_stateless(net):
    return not any(m._forward_hooks or m._forward_pre_hooks or m._backward_hooks or m.training for m in net.modules())


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("card", CARDS)
def test_every_lesion_of_every_unit_leaves_the_net_itself_as_it_was(card, unit):
    config, net = a_net(block=CARDS[card].block, unit=unit, depth=UNITS[unit])
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    with torch.no_grad():
        intact = net(pixels())
    for do in ("delete", "bypass", "scale"):
        for place in range(6):
            logits = after(config, net, {"do": do, "unit": place, "factor": 0.5})
            assert logits.shape == intact.shape
            assert logits.isfinite().all()
            assert not logits.equal(intact)
    assert all(tensor.equal(before[name]) for name, tensor in net.state_dict().items())
    assert is_stateless(net)


@pytest.mark.parametrize("card", CARDS)
def test_factor_1_changes_nothing_and_factor_0_deletes(card):
    config, net = a_net(block=CARDS[card].block)
    for place in range(6):
        assert after(config, net, {"do": "scale", "unit": place, "factor": 1}).equal(after(config, net))
        silent = after(config, net, {"do": "scale", "unit": place, "factor": 0.0})
        if not config.block.is_plain:  # whose deleted unit is passed by
            assert silent.equal(after(config, net, {"do": "delete", "unit": place}))


@pytest.mark.parametrize("place", range(6))
def test_a_deleted_unit_of_an_identity_net_is_the_relu_of_its_shortcut(place):
    config, net = a_net()
    with torch.no_grad():
        x = net.net.stem(net.normalised(pixels()))
        for number, unit in enumerate(net.net.units):
            x = torch.relu(unit.match(x)) if number == place else unit(x)
        by_hand = net.net.head(x.mean((2, 3)))
    torch.testing.assert_close(after(config, net, {"do": "delete", "unit": place}), by_hand)


def test_a_bypassed_unit_of_equal_shape_might_as_well_not_be_there():
    config, net = a_net(block={"shortcut": "constant_scaling"})
    short = edited(net, config, [])
    short.net.stages[1] = short.net.stages[1][:1]
    with torch.no_grad():
        assert after(config, net, {"do": "bypass", "unit": 3}).equal(short(pixels()))


def test_swapped_units_change_places_and_equal_units_may_be_swapped():
    config, net = a_net()
    swap = {"do": "swap", "unit": 0, "other": 1}
    assert not after(config, net, swap).equal(after(config, net))
    assert after(config, net, swap, swap).equal(after(config, net))
    net.net.stages[0][1].load_state_dict(net.net.stages[0][0].state_dict())
    assert after(config, net, swap).equal(after(config, net))


def test_the_seed_gives_the_order_of_a_shuffled_stage():
    config, net = a_net(depth=32)
    logits = [after(config, net, {"do": "shuffle", "stage": 1, "seed": seed}) for seed in (0, 0, 1, 2)]
    assert logits[0].equal(logits[1])
    assert len({tuple(each.flatten().tolist()) for each in [*logits, after(config, net)]}) > 2


IMPOSSIBLE = {
    "do must be": {"do": "burn"},
    "unit must be from 0 to 5, but is 6": {"do": "delete", "unit": 6},
    "factor must be a number": {"do": "scale", "unit": 0, "factor": float("nan")},
    "Units 2 and 3 cannot be swapped": {"do": "swap", "unit": 1, "other": 2},
    "Stage 2 cannot be shuffled": {"do": "shuffle", "stage": 1},
    "stage must be": {"do": "shuffle", "stage": 3},
}


@pytest.mark.parametrize("words", IMPOSSIBLE)
def test_what_is_impossible_is_said_in_a_sentence(words):
    config, net = a_net()
    with pytest.raises(ValueError, match=words):
        edited(net, config, [IMPOSSIBLE[words]])
    assert {"delete", "bypass", "scale", "swap", "shuffle"} == set(EDITS)


def test_a_unit_is_deleted_once():
    config, net = a_net()
    with pytest.raises(ValueError, match="Unit 1 can be deleted, bypassed or scaled only once"):
        edited(net, config, 2 * [{"do": "delete", "unit": 0}])


@pytest.mark.parametrize("do", ["delete", "bypass"])
@pytest.mark.parametrize("card", ["none", "identity", "full_preact"])
def test_single_deletions_are_as_each_alone(card, do, tmp_path):
    subject = a_subject(tmp_path, block=CARDS[card].block)
    found = finish(single_deletions(subject, 140, do))
    alone = [finish(lesion(subject, [{"do": do, "unit": place}], 140)).record for place in range(6)]
    assert found.tensors["errors"].tolist() == pytest.approx([each["error"] for each in alone])
    assert found.record["intact_error"] == finish(lesion(subject, [], 140)).record["error"]
    assert found.record["words"] == "140 test images of Synthetic patterns"


def test_random_deletions_are_the_deletions_of_their_subsets(tmp_path):
    subject = a_subject(tmp_path)
    errors = finish(random_deletions(subject, most=3, draws=2, seed=4, num_images=60)).tensors["errors"]
    drawn = subsets(Subject(**subject).model, 3, 2, 4)
    assert [[len(set(units)) for units in row] for row in drawn] == [[1, 1], [2, 2], [3, 3]]
    assert drawn != subsets(Subject(**subject).model, 3, 2, 5)
    for row, subset in zip(errors, drawn, strict=True):
        for error, units in zip(row.tolist(), subset, strict=True):
            edits = [{"do": "delete", "unit": unit} for unit in units]
            assert finish(lesion(subject, edits, 60)).record["error"] == pytest.approx(error)


def test_statistics_taken_again_are_those_computed_by_hand():
    config, net = a_net()
    images = examples(DATA, 200, "train")
    cut = edited(net, config, [{"do": "delete", "unit": 1}])
    at_once(reestimated(cut, images))
    with torch.no_grad():
        signals = [net.net.stem.conv1(net.normalised(pixels)) for pixels, _ in images.batches()]
    norm = cut.net.stem.bn1
    torch.testing.assert_close(norm.running_mean, torch.stack([x.mean((0, 2, 3)) for x in signals]).mean(0))
    variances = torch.stack([x.double().var((0, 2, 3)) for x in signals]).mean(0).float()
    torch.testing.assert_close(norm.running_var, variances, rtol=1e-4, atol=1e-5)  # 32 bits, over 100,000 numbers
    assert is_stateless(cut)
    assert norm.momentum == net.net.stem.bn1.momentum


@pytest.mark.parametrize("job", ["single", "random"])
def test_a_job_given_up_half_way_leaves_the_file_as_it_was(job, tmp_path):
    subject = a_subject(tmp_path)
    before = Path(subject["weights"]).read_bytes()
    jobs = {
        "single": single_deletions(subject, 140, reestimate=True),
        "random": random_deletions(subject, 2, 2, 0, 140, reestimate=True),
    }
    told = [next(jobs[job]) for _ in range(5)]
    jobs[job].close()
    assert [each.done for each in told] == [0, 1, 2, 3, 4]
    assert all(each.done < each.of for each in told)
    assert Path(subject["weights"]).read_bytes() == before
    assert is_stateless(open_subject(Subject(**subject)))


def test_statistics_taken_again_are_those_of_the_lesioned_net(tmp_path):
    subject = a_subject(tmp_path)
    plain, again = (finish(single_deletions(subject, 60, reestimate=each)) for each in (False, True))
    assert plain.record == again.record
    alone = finish(lesion(subject, [{"do": "delete", "unit": 2}], 60, reestimate=True))
    assert again.tensors["errors"][2] == pytest.approx(alone.record["error"])


def test_public_checkpoint_has_the_published_error_for_each_deleted_unit(public_checkpoint, full_cifar10, tmp_path):
    subject = import_checkpoint(public_checkpoint, "akamaster", tmp_path)
    images = examples(subject.data, 10_000)
    assert len(load_images("cifar10", "test")) == len(images)
    wrong, intact = at_once(shared(open_subject(subject), subject.model, images, "delete"))
    papers = json.loads((Path(os.environ["RESNET_LAB_REFERENCE"]) / "papers.json").read_text())
    expected = papers["public_checkpoint"]["lesion_error_all_10000_by_deleted_block"]
    assert intact == 827
    assert (wrong / 100).tolist() == pytest.approx(expected, abs=0.005)
