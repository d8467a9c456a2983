"""Conductance by channel adds up to that of the unit."""

import pytest
import torch

from resnet_lab.inside.conductance import conductance
from resnet_lab.inside.jobs import finish
from resnet_lab.inside.subjects import Subject
from resnet_lab.model_config import ModelConfig
from resnet_lab.nets import build_model
from resnet_lab.run_config import DataConfig
from resnet_lab.weights import write_tensors

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("placement", ["original", "full_preact"])
def test_the_channels_of_a_branch_are_all_that_comes_through_it(placement, tmp_path):
    torch.manual_seed(0)
    model, path = ModelConfig(depth=8, width=0.25, block={"placement": placement}), tmp_path / "weights.safetensors"
    write_tensors(path, build_model(model).state_dict(), {})
    subject = Subject(id="a", title="A net", origin="run", model=model, data=DataConfig(), weights=str(path))
    found = finish(conductance([subject.model_dump(mode="json")], "y0", {"kind": "predicted"}))
    channels = [found.tensors[f"channels_0_{unit}"] for unit in range(3)]
    assert [len(each) for each in channels] == [4, 8, 16]
    torch.testing.assert_close(torch.stack([each.sum() for each in channels]), found.tensors["share_0"])
    [change] = found.record["changes"]
    torch.testing.assert_close(found.tensors["unit_0"], change * found.tensors["share_0"])
