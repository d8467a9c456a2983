"""Runs in an address: what is written is what is read."""

import pytest

from resnet_lab.ui.run_ids import join_ids, split_ids


@pytest.mark.parametrize("ids", [[], ["aaaa1111"], ["cccc3333", "aaaa1111"]])
def test_what_is_written_is_read_in_its_order(ids):
    assert split_ids(join_ids(ids)) == ids


@pytest.mark.parametrize("text", ["a1.b2", "a1,b2", " a1, b2,,a1.", "a1 b2 a1"])
def test_each_run_is_read_once_however_a_person_writes_it(text):
    assert split_ids(text) == ["a1", "b2"]
