"""A launch is a matrix of runs."""

import pytest

from resnet_lab import BlockConfig, ModelConfig, preset
from resnet_lab.launches import FIRST_BLOCKS, MAX_RUNS, Launch, first_comparison, sort_out
from resnet_lab.store import Store

GATED = BlockConfig(shortcut="exclusive_gating", shortcut_args={"gate_bias": 0})
SMALL = {"data": "sample", "steps": 2}


@pytest.fixture
def store(tmp_path):
    with Store(None, tmp_path) as store:
        yield store


def test_every_block_meets_every_depth_and_seed():
    configs = Launch("minute", [BlockConfig(), GATED], [8, 14], [0, 1, 2], fields=SMALL).configs()
    met = {(config.model.block, config.model.depth, config.seed) for config in configs}
    assert len(configs) == len(met) == 12
    assert {config.model.block for config in configs} == {BlockConfig(), GATED}


def test_two_blocks_that_were_set_alike_are_trained_once():
    configs = Launch("minute", [GATED, BlockConfig(), GATED], [8], [0, 1], fields=SMALL).configs()
    assert [config.model.block for config in configs] == [GATED, BlockConfig()] * 2


def test_a_run_of_it_is_the_recipe_s():
    [config] = Launch("minute", [GATED], [20], [3], fields=SMALL).configs()
    assert config == preset(
        "minute", depth=20, seed=3, shortcut="exclusive_gating", shortcut_args={"gate_bias": 0}, **SMALL
    )


def test_the_net_of_the_build_page_is_trained_as_it_is():
    model = ModelConfig(depth=11, unit="bottleneck", width=2, projection="B", num_classes=100)
    [config] = Launch("minute", [GATED], [20], [0], model=model, fields=SMALL).configs()
    assert config.model == ModelConfig(depth=20, unit="bottleneck", width=2, projection="B", block=GATED)
    assert config.data == preset("minute", **SMALL).data


def test_a_run_can_be_varied_as_it_is():
    run = preset("quick", data="sample", lr=0.3, width=2, depth=14, seed=5)
    [config] = Launch(run, [GATED], [14], [5]).configs()
    assert config == run.changed(model=run.model.with_block(GATED))


@pytest.mark.parametrize(
    ("blocks", "depths", "seeds", "words"),
    [
        ([], [8], [0], "at least one block"),
        ([GATED], [], [0], "at least one block, one depth"),
        ([GATED], [8], range(MAX_RUNS + 1), f"At most {MAX_RUNS} runs .* {MAX_RUNS + 1}"),
        ([GATED], [9], [0], "depth must be 6n"),
    ],
)
def test_what_cannot_be_started_says_why(blocks, depths, seeds, words):
    with pytest.raises(ValueError, match=words):
        Launch("minute", blocks, depths, list(seeds), fields=SMALL).configs()


def test_what_was_trained_before_is_found(store):
    old, new = Launch("minute", [BlockConfig(), GATED], [8], [0], fields=SMALL).configs()
    run = store.add(old)
    found = sort_out(store, [new, old])
    assert (found.new, [each.id for each in found.known]) == ([new], [run.id])


def test_a_first_comparison_trains_what_is_missing_of_its_seed_then_the_next_seed(store):
    first = first_comparison(store, "sample").new
    assert [config.model.block for config in first] == list(FIRST_BLOCKS)
    assert {config.seed for config in first} == {0}
    run = store.add(first[1])
    found = first_comparison(store, "sample")
    assert (found.new, [each.id for each in found.known]) == ([first[0], first[2]], [run.id])
    store.add_many(found.new)
    assert {config.seed for config in first_comparison(store, "sample").new} == {1}
