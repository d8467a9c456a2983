"""The weights on the way: kept at the moments of a run, small, and nothing of the run depends on them."""

import torch

from resnet_lab.films import frame, frames, moments, read_frame, write_frame
from resnet_lab.nets import build_model
from resnet_lab.run_config import RunConfig


def test_moments_lie_closer_in_the_beginning_and_the_end_is_left_to_the_final_weights():
    assert sorted(moments(7_800)) == [0, 78, 234, 780, 1950, 3900, 5850]
    assert moments(1) == {0}


def test_frames_are_found_by_step_and_fill_the_net_again(tmp_path):
    model = build_model(RunConfig().with_fields(depth=8).model)
    for step in (234, 0, 1_000_000):
        write_frame(tmp_path, step, model.state_dict())
    assert list(frames(tmp_path)) == [0, 234, 1_000_000]
    tensors, record = read_frame(frames(tmp_path)[234])
    assert record == {"step": 234}
    model.load_state_dict(tensors)
    assert frame(tmp_path, 0).stat().st_size < 2.6 * sum(parameter.numel() for parameter in model.parameters())


def test_what_fp16_cannot_hold_stays_as_it_is(tmp_path):
    told = {"large": torch.tensor([1e6]), "broken": torch.tensor([float("nan")]), "count": torch.tensor(3)}
    write_frame(tmp_path, 5, told)
    tensors, _ = read_frame(frame(tmp_path, 5))
    assert tensors["large"] == 1e6
    assert tensors["broken"].isnan()
    assert (tensors["count"], tensors["count"].dtype) == (3, torch.int64)
