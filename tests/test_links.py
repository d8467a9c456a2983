"""Links: what is sent is what is opened, and a bad one says in one sentence what is wrong with it."""

import base64
import json
import zlib

import pytest

from resnet_lab import BlockConfig, ModelConfig
from resnet_lab.cards import CARDS
from resnet_lab.ui.links import MAX_LENGTH, VERSION, View, decode, encode


def packed(content: object) -> str:
    return f"{VERSION}.{base64.urlsafe_b64encode(zlib.compress(json.dumps(content).encode())).decode()}"


@pytest.mark.parametrize("card", CARDS.values(), ids=CARDS)
def test_a_link_opens_the_view_that_was_sent(card):
    view = View(model=ModelConfig(depth=110, block=card.block), baseline=BlockConfig(shortcut="conv"), xray_depth=56)
    assert decode(encode(view)) == view


def test_the_largest_view_fits_into_a_link():
    block = BlockConfig(pre="bn relu gn silu gelu elu", post="tanh elu gelu silu gn relu", after="bn bn bn bn bn bn")
    model = ModelConfig(depth=1001, unit="bottleneck", width=2, groups=8, group_width=3, stochastic_depth=0.123456)
    assert len(encode(View(model=model.changed(block=block), baseline=block, xray_depth=164))) < MAX_LENGTH / 2


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ("", "does not start with"),
        ("eNqrVk", "does not start with"),
        ("0.eNqrVk", "does not start with"),
        ("1.!!!!", "damaged"),
        (encode(View())[:-8], "damaged"),
        (packed([1]), "object"),
        (packed({"model": 3}), "object"),
        (packed({"run": 1}), "'run'"),
        (packed({"model": {"depth": 21}}), "6n+2"),
        (packed({"model": {"colour": "red"}}), "has no field"),
        (packed({"model": {"block": {"shortcut_args": {"p": 1.5}, "shortcut": "dropout"}}}), "0.95"),
        (packed({"baseline": {"pre": "foo"}}), "'foo'"),
        (packed({"xray_depth": 21}), "6n+2"),
        (packed({"model": {"self": 1}}), "has no field 'self'"),
        (packed({"xray_depth": "deep"}), "whole number"),
        (packed({"xray_depth": [1]}), "whole number"),
        ("1." + "A" * MAX_LENGTH, "too long"),
        (packed({"model": {"depth": " " * 10_000_000}}), "too long"),
    ],
)
def test_a_bad_link_says_what_is_wrong(link, words):
    with pytest.raises(ValueError, match="The link") as error:
        decode(link)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_bomb_is_not_unpacked():
    bomb = base64.urlsafe_b64encode(zlib.compress(b"[" * 1_000_000)).decode()
    with pytest.raises(ValueError, match="damaged"):
        decode(f"{VERSION}.{bomb}")


def test_numbers_in_a_link_may_be_written_as_text():
    assert decode(packed({"xray_depth": "14", "model": {"depth": "20"}})) == View(xray_depth=14)
