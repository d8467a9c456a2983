"""What speaks for a map and against it: each number by hand, each doubt with a case in which it must be raised."""

import json
from pathlib import Path

import pytest
import torch

from resnet_lab.block_config import BlockConfig
from resnet_lab.inside.doubts import DOUBTS, doubts
from resnet_lab.inside.evidence import agreement, evidence, randomised
from resnet_lab.inside.faithfulness import infidelity, squares
from resnet_lab.inside.jobs import finish
from resnet_lab.inside.methods import METHODS
from resnet_lab.inside.questions import Question
from resnet_lab.inside.rankings import rank_correlation, ranks
from resnet_lab.inside.removals import POINTS, RANDOM_ORDERS, area, curves
from resnet_lab.inside.sanity import verdict
from resnet_lab.inside.slices import at_once
from resnet_lab.inside.specimens import pixels_of
from resnet_lab.inside.subjects import PixelNet, Subject
from resnet_lab.inside.targets import Aimed, one_hot
from resnet_lab.model_config import ModelConfig
from resnet_lab.nets import build_model
from resnet_lab.run_config import DataConfig
from resnet_lab.weights import write_tensors

pytestmark = pytest.mark.usefixtures("one_thread")
FROG = {"kind": "class", "class": 6}
SMALL = {"steps": 4, "samples": 4, "window": 16, "stride": 16, "superpixels": 9}


def config(shortcut="identity"):
    return ModelConfig(depth=8, width=0.25, block=BlockConfig(shortcut=shortcut))


def subject(folder, seed=0, shortcut="identity"):
    path = folder / f"{shortcut}{seed}.safetensors"
    torch.manual_seed(seed)
    write_tensors(path, build_model(config(shortcut)).state_dict(), {})
    fields = {"model": config(shortcut), "data": DataConfig(), "weights": str(path), "seed": seed}
    return Subject(id=path.stem, title=path.stem, origin="run", **fields)


def plain(one):
    return json.loads(one.to_json())


class Linear(PixelNet):
    """Logit 6 is weight · pixels."""

    def __init__(self, weight):
        super().__init__(build_model(config()), DataConfig())
        self.weight = weight

    def forward(self, pixels):
        return (pixels * self.weight).sum((1, 2, 3))[:, None] * one_hot(6, 10)


def test_equal_numbers_share_their_ranks():
    assert ranks(torch.tensor([5.0, 1.0, 5.0, 7.0])).tolist() == [2.5, 1, 2.5, 4]


def test_rank_correlation_by_hand():
    first = torch.tensor([1.0, 2.0, 3.0, 4.0])
    assert rank_correlation(first, first.exp()) == pytest.approx(1)
    assert rank_correlation(first, -first) == pytest.approx(-1)
    assert rank_correlation(first, torch.tensor([2.0, 1.0, 4.0, 3.0])) == pytest.approx(1 - 6 * 4 / (4 * 15))
    assert rank_correlation(first, torch.ones(4)) == 0


def test_the_true_map_of_a_linear_net_has_no_infidelity_and_an_empty_one_has_all():
    pixels = pixels_of(["y0"])
    weight = torch.randn(3, 32, 32, generator=torch.Generator().manual_seed(0))
    aimed, question = Aimed(Linear(weight), one_hot(6, 10)), Question.read("integrated_gradients", FROG)
    truth = (weight * pixels).detach()
    assert at_once(infidelity(aimed, pixels, question, truth)) == pytest.approx(0, abs=1e-5)
    assert at_once(infidelity(aimed, pixels, question, 7 * truth)) == pytest.approx(0, abs=1e-5)  # the scale is free
    assert at_once(infidelity(aimed, pixels, question, torch.zeros_like(truth))) == pytest.approx(1)
    assert at_once(infidelity(aimed, pixels, question, torch.rand_like(truth))) > 0.3


def test_a_covered_square_is_eight_by_eight():
    assert squares(20).sum((1, 2, 3)).tolist() == [64] * 20


def test_deletion_ends_where_insertion_begins_and_the_right_order_deletes_faster():
    weight, pixels = torch.zeros(3, 32, 32), torch.zeros(1, 3, 32, 32)
    weight[:, :4, :4] = 0.2
    pixels[:, :, :4, :4] = 1  # all that counts is in the first patch
    aimed, order = Aimed(Linear(weight), one_hot(6, 10)), torch.arange(64)
    deletion, insertion = curves(aimed, pixels, torch.zeros_like(pixels), order)
    assert deletion[0] == insertion[-1]
    assert deletion[-1] == insertion[0] == pytest.approx(0.1)
    assert deletion.tolist() == [deletion[0]] + [deletion[-1]] * (POINTS - 1)
    late, _ = curves(aimed, pixels, torch.zeros_like(pixels), order.flip(0))
    assert area(late) > area(deletion)


@pytest.mark.parametrize("method", METHODS)
def test_evidence_of_every_method_is_what_json_can_hold_and_the_same_again(method, tmp_path):
    one = plain(subject(tmp_path))
    found, again = (finish(evidence(one, "y0", method, FROG, "mean", SMALL)) for _ in range(2))
    assert json.loads(json.dumps(found.record)) == again.record
    assert all(torch.equal(found.tensors[name], again.tensors[name]) for name in found.tensors)
    assert (found.record["delta"] is not None) == METHODS[method].completes
    assert 0 <= found.record["infidelity"] <= 1.01
    assert found.tensors["deletion_random"].shape == (8, POINTS)


def test_progress_counts_to_the_end(tmp_path):
    one = plain(subject(tmp_path))
    for job in (evidence(one, "y0", "saliency", FROG), randomised(one, "y0", "saliency", FROG)):
        told = list(job)
        assert [each.done for each in told] == list(range(told[0].of))


def test_randomising_goes_from_head_to_stem_and_in_the_end_nothing_of_the_net_is_left(tmp_path):
    first, second = (plain(subject(tmp_path, seed)) for seed in (0, 1))
    found, other = (finish(randomised(one, "y0", "saliency", FROG)) for one in (first, second))
    assert found.record["layers"] == ["head", "unit 3", "unit 2", "unit 1", "stem"]
    assert not torch.equal(found.tensors["original"], other.tensors["original"])
    assert not torch.equal(found.tensors["maps"][-2], other.tensors["maps"][-2])
    assert torch.equal(found.tensors["maps"][-1], other.tensors["maps"][-1])


def test_agreement_is_one_with_itself_and_symmetric(tmp_path):
    nets = [plain(subject(tmp_path, seed)) for seed in (0, 1)]
    similarity = finish(agreement(nets, ["y0", "y1"], "saliency", FROG)).tensors["similarity"]
    assert similarity.diagonal().tolist() == [1, 1]
    assert torch.equal(similarity, similarity.T)
    assert -1 < similarity[0, 1] < 1


@pytest.mark.parametrize(
    ("within", "between", "words"),
    [(0.8, 0.2, "for these nets the variants differ more than"), (0.5, 0.5, "no larger difference was found")],
)
def test_the_verdict_compares_variants_with_seeds(within, between, words, tmp_path):
    nets = [subject(tmp_path, 0), subject(tmp_path, 1), subject(tmp_path, 0, "none")]
    noise = torch.linspace(-0.05, 0.05, 6)
    similarity = torch.ones(3, 3, 6)
    similarity[0, 1] = within + noise
    similarity[0, 2] = similarity[1, 2] = between + noise.flip(0)
    assert words in verdict(nets, similarity)
    assert "too few pictures" in verdict(nets, similarity[..., :2])
    assert "no two seeds" in verdict([nets[0], nets[2]], similarity)


@pytest.mark.parametrize("other", [{"origin": "checkpoint"}, {"data": DataConfig(name="synthetic")}])
def test_imported_nets_and_other_data_are_neither_seeds_nor_variants(other, tmp_path):
    first, second, variant = subject(tmp_path, 0), subject(tmp_path, 1), subject(tmp_path, 0, "none")
    similarity = torch.rand(3, 3, 6, generator=torch.Generator().manual_seed(0))
    assert "no two seeds" in verdict([first, second.changed(**other), variant], similarity)
    assert "no second variant" in verdict([first, second, variant.changed(**other)], similarity)


GOOD = {
    "delta": 0.1,
    "change": 20.0,
    "infidelity": 0.2,
    "sensitivity": 0.3,
    "deletion_area": 0.2,
    "deletion_random_areas": [0.5, 0.6],
    "insertion_area": 0.8,
    "insertion_random_areas": [0.5, 0.6],
    "kept": 0.1,
    "kept_below": "unit 2",
}


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"delta": -5.0}, "miss what they should add up to by -5.00"),
        ({"infidelity": 0.95}, "less than a tenth"),
        ({"sensitivity": 1.5}, "1.5 times its own length"),
        ({"deletion_area": 0.55}, "deleting what the net needs this map is no better than the best of eight"),
        ({"insertion_area": 0.55}, "inserting what the net needs this map is no better than the best of eight"),
        ({"kept": 0.9}, "keeps much of its order"),
        ({"map_is_finite": False}, "no number"),
        ({"infidelity": float("nan")}, "no number"),
        ({"kept": float("nan")}, "no number"),
        ({"insertion_random_areas": [0.5, float("nan")]}, "no number"),
    ],
)
def test_each_doubt_is_raised_alone(bad, words):
    assert doubts(GOOD) == []
    (sentence,) = doubts(GOOD | bad)
    assert words in sentence


def test_what_was_not_measured_raises_no_doubt():
    assert doubts({}) == []
    assert doubts({"delta": None, "change": 1.0, "infidelity": None}) == []
    assert len(DOUBTS) == 7
    assert RANDOM_ORDERS == 8  # as the sentences say


def test_a_net_of_no_numbers_is_not_praised(tmp_path):
    one = subject(tmp_path)
    net = build_model(one.model)
    net.head.weight.data.fill_(torch.nan)
    write_tensors(Path(one.weights), net.state_dict(), {})
    found = finish(evidence(plain(one), "y0", "saliency", FROG))
    assert doubts(found.record)[0].startswith("This net answers with no number for this picture")
    assert found.record["doubts"] == doubts(found.record)
