"""What changes from one block to another, in sentences, and what it costs."""

import itertools
import random
import re

import pytest

from resnet_lab import BlockConfig, ModelConfig, build_model, describe_difference
from resnet_lab.differences import amount
from resnet_lab.ops import OPS
from resnet_lab.placements import PLACEMENTS, SLOTS
from resnet_lab.shortcuts import SHORTCUTS

BLOCKS = [BlockConfig(placement=p, shortcut=s) for p, s in itertools.product(PLACEMENTS, SHORTCUTS)]
ARGUMENTS = [(key, name) for key, shortcut in SHORTCUTS.items() for name in shortcut.arguments]
PAIRS = list(itertools.permutations(BLOCKS, 2))
SMALL = ModelConfig(depth=8)


def placed(key, **fields):
    return BlockConfig(placement=key, **fields)


def changes(block, other):
    return list(describe_difference(block, other, SMALL).changes)


def test_the_step_to_relu_only_preactivation_is_one_sentence_about_the_relu():
    moved = "ReLU moves from after the addition to before the first convolution."
    assert changes(placed("original"), placed("relu_only_preact"))[0] == moved


def test_the_step_back_says_that_the_units_are_no_longer_preactivated():
    assert changes(placed("relu_only_preact"), placed("original")) == [
        "ReLU moves from before the first convolution to after the addition.",
        "The units are no longer pre-activated: after the last addition of the net nothing more comes.",
        "After the convolution of the stem comes BN and ReLU instead of BN.",
    ]


def test_the_step_to_full_preactivation_moves_both_bn_and_relu():
    bn, relu, _, preactivated, stem = changes(placed("original"), placed("full_preact"))
    assert stem == "After the convolution of the stem comes nothing instead of BN and ReLU."
    assert bn == "BN moves from between the last convolution and the addition to before the first convolution."
    assert relu == "ReLU moves from after the addition to before the first convolution."
    assert preactivated.startswith("The units are now pre-activated: in the first unit of each stage")


def test_ops_that_make_the_same_move_share_a_sentence():
    moved = "BN and ReLU move from after the addition to between the last convolution and the addition."
    assert changes(placed("bn_after_addition"), placed("relu_before_addition"))[0] == moved


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.title)
def test_the_same_block_is_called_the_same_and_costs_the_same(block):
    difference = describe_difference(block, BlockConfig.from_json(block.to_json()), SMALL)
    assert difference.changes == ("Both blocks are the same.",)
    assert (difference.parameters, difference.multiply_adds) == (0, 0)
    assert difference.price == f"Parameters and multiply-adds of {SMALL.with_block(block).title} stay the same."


def is_a_sentence(text):
    return text[0].isupper() and text.endswith(".") and not re.search(r"\.\.|  |[{}\n]", text)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.title)
def test_every_other_variant_is_told_in_whole_sentences_of_its_own(block):
    differences = {other: describe_difference(block, other, SMALL) for other in BLOCKS}
    for other, difference in differences.items():
        assert all(is_a_sentence(text) for text in (*difference.changes, difference.price)), difference
        assert str(difference) == " ".join([*difference.changes, difference.price])
        assert ("Both blocks are the same." in difference.changes) == (block == other)
    assert len({difference.changes for difference in differences.values()}) == len(BLOCKS)


def num_parameters(config):
    return sum(parameter.numel() for parameter in build_model(config).parameters())


@pytest.mark.parametrize(
    "model", [ModelConfig(), ModelConfig(depth=29, unit="bottleneck", projection="B")], ids=ModelConfig.to_json
)
def test_the_price_is_the_difference_between_two_whole_nets(model):
    counts = {block: num_parameters(model.changed(block=block)) for block in BLOCKS}
    for block, other in random.Random(0).sample(PAIRS, 100):
        assert describe_difference(block, other, model).parameters == counts[other] - counts[block]


def test_the_gates_of_resnet_110_cost_what_they_are_known_to_cost():
    difference = describe_difference(
        BlockConfig(), BlockConfig(shortcut="shortcut_only_gating"), ModelConfig(depth=110)
    )
    at_identities, after_padding = 93_568, 32 * 32 + 32 + 64 * 64 + 64
    assert difference.parameters == at_identities + after_padding
    assert difference.price.startswith("ResNet-110 has 98,784 more parameters and ")


def test_the_price_of_more_is_the_price_of_fewer_the_other_way():
    for block, other in random.Random(1).sample(PAIRS, 100):
        there, back = describe_difference(block, other, SMALL), describe_difference(other, block, SMALL)
        assert (there.parameters, there.multiply_adds) == (-back.parameters, -back.multiply_adds)
        amounts = [
            difference.price.replace(difference.net, "").replace("more", "fewer") for difference in (there, back)
        ]
        assert amounts[0] == amounts[1]


@pytest.mark.parametrize(("shortcut", "name"), ARGUMENTS)
def test_a_changed_argument_is_named_with_its_old_and_new_value(shortcut, name):
    argument = SHORTCUTS[shortcut].arguments[name]
    other = BlockConfig(shortcut=shortcut, shortcut_args={name: argument.high})
    first, *_ = changes(BlockConfig(shortcut=shortcut), other)
    old, new = (f"{value:g}".replace("-", "−") for value in (argument.default, argument.high))
    assert first == f"The {argument.words} changes from {old} to {new}."


@pytest.mark.parametrize(("shortcut", "name"), ARGUMENTS)
def test_a_negative_number_is_written_with_a_minus_sign(shortcut, name):
    low = BlockConfig(shortcut=shortcut, shortcut_args={name: SHORTCUTS[shortcut].arguments[name].low})
    for block in (BlockConfig(shortcut=shortcut), BlockConfig(placement="full_preact", shortcut="none"), BlockConfig()):
        assert not re.search(r"(?<!\w)-\d", str(describe_difference(block, low, SMALL)))


def test_a_new_shortcut_is_told_by_both_formulas():
    first, second = changes(BlockConfig(), BlockConfig(shortcut="exclusive_gating"))
    assert first == (
        "The shortcut changes from identity to exclusive gating: the unit adds up (1 − g) x + g f instead of x + f."
    )
    assert second.startswith("A gate g, computed from the signal by a 1×1 convolution")
    assert second.endswith("with bias −6, g starts around 0.0025.")


def test_the_plain_net_is_told_without_formulas():
    told = changes(BlockConfig(), BlockConfig(shortcut="none"))
    assert told[0] == "The shortcut changes from identity to plain."
    assert told[1].startswith("There is no shortcut")


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("slot", SLOTS)
def test_an_op_that_comes_or_goes_is_named_with_its_place(slot, op):
    without, with_op = BlockConfig(pre="bn", post="bn", after="bn"), dict.fromkeys(SLOTS, "bn")
    with_op = BlockConfig(**with_op | {slot: f"bn {op}"})
    assert f"{OPS[op].label} is added {SLOTS[slot]}." in changes(without, with_op)
    assert f"{OPS[op].label} {SLOTS[slot]} is taken away." in changes(with_op, without)


@pytest.mark.parametrize(("slot", "target"), list(itertools.permutations(SLOTS, 2)))
def test_an_op_that_moves_is_told_once(slot, target):
    common = dict.fromkeys(SLOTS, "relu")
    block, other = (BlockConfig(**common | {name: "relu gn"}) for name in (slot, target))
    moved, *others = changes(block, other)
    assert moved == f"GN moves from {SLOTS[slot]} to {SLOTS[target]}."
    assert not any("taken away" in sentence or "is added" in sentence for sentence in others)


def test_another_order_of_the_same_ops_is_told():
    told = changes(placed("full_preact"), BlockConfig(pre="relu bn"))
    assert told == [
        "The order before the first convolution becomes ReLU then BN.",
        "After the last addition of the net comes one more ReLU and BN instead of BN and ReLU.",
    ]


def test_another_order_is_told_even_where_an_op_is_added():
    one, other = (changes(placed("full_preact"), BlockConfig(pre=pre)) for pre in ("bn relu gn", "relu bn gn"))
    assert one != other


def test_dropout_in_the_branch_is_told():
    plain, some, more = (BlockConfig(branch_dropout=p) for p in (0, 0.3, 0.5))
    assert changes(plain, some) == ["Dropout with probability 0.3 is added before the last convolution of the branch."]
    assert changes(some, more) == ["The dropout in the branch changes its probability from 0.3 to 0.5."]
    assert changes(more, plain) == ["The dropout before the last convolution of the branch is taken away."]


@pytest.mark.parametrize("options", [{"zero_gamma": True}, {"skipinit": True}, {"stochastic_depth": 0.5}], ids=str)
def test_a_block_that_forbids_an_option_of_the_net_can_still_be_compared(options):
    for other in BLOCKS:
        assert describe_difference(BlockConfig(), other, ModelConfig(depth=8, **options)).changes


def test_the_net_in_the_price_is_resnet_20_where_none_is_given():
    assert describe_difference(BlockConfig(), BlockConfig(shortcut="conv")).net == "ResNet-20"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (0, "as many parameters as before"),
        (1, "1 more parameter"),
        (-1, "1 fewer parameter"),
        (-2048, "2,048 fewer parameters"),
    ],
)
def test_an_amount_is_told_in_the_right_number(change, words):
    assert amount(change, "parameter") == words
