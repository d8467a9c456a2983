"""What shortcut and branch bring to each addition adds up to what the unit adds up."""

import json

import pytest
import torch

from resnet_lab.cards import CARDS
from resnet_lab.inside.jobs import finish
from resnet_lab.inside.shares import PLAIN, additions, shares
from resnet_lab.inside.subjects import Subject
from resnet_lab.model_config import ModelConfig
from resnet_lab.nets import build_model
from resnet_lab.run_config import DataConfig
from resnet_lab.weights import write_tensors

pytestmark = pytest.mark.usefixtures("one_thread")


def a_net(card):
    torch.manual_seed(0)
    config = ModelConfig(depth=14, width=0.25, block=CARDS[card].block)
    net = build_model(config)
    net(torch.randn(16, 3, 32, 32))
    return config, net.eval()


@pytest.mark.parametrize("card", CARDS)
def test_both_together_go_on_to_the_logits(card):
    _, net = a_net(card)
    x = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        *_, (shortcut, branch) = additions(net, x)
        last = net.final(net.units[-1].after(shortcut + branch))
        torch.testing.assert_close(net.head(last.mean((2, 3))), net(x), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("card", ["constant_scaling", "none"])
def test_they_are_scaled_as_they_are_added(card):
    _, net = a_net(card)
    x = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        shortcut, branch = next(additions(net, x))
        signal, factor = net.stem(x), {"constant_scaling": 0.5, "none": 0}[card]
        torch.testing.assert_close(shortcut, factor * signal)
        torch.testing.assert_close(branch, (factor or 1) * net.units[0].branch(signal))


@pytest.mark.parametrize("card", ["identity", "full_preact", "none"])
def test_the_mean_over_channels_is_that_of_the_unit(card, tmp_path):
    config, net = a_net(card)
    path = tmp_path / "weights.safetensors"
    write_tensors(path, net.state_dict(), {})
    data = DataConfig(name="synthetic")
    subject = Subject(id="a", title="A net", origin="run", model=config, data=data, weights=str(path))
    found = finish(shares(json.loads(subject.to_json()), "y7"))
    for side in ("shortcut", "branch"):
        channels = [found.tensors[f"{side}_channels_{place}"] for place in range(6)]
        assert [len(each) for each in channels] == [4, 4, 8, 8, 16, 16]
        torch.testing.assert_close(found.tensors[side], torch.stack([each.mean() for each in channels]))
    assert found.record["words"] == (PLAIN if card == "none" else "")
    assert (found.tensors["shortcut"] == 0).all() == (card == "none")
    assert (found.tensors["branch"] > 0).all()
