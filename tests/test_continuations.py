"""A finished run that goes on ends bit for bit as one that was given more steps from the start, or is refused."""

from contextlib import nullcontext
from itertools import pairwise

import pytest
import torch
from sqlalchemy import text

from resnet_lab.capsules import read_capsule, write_capsule
from resnet_lab.continuations import check_rates, continue_longer, is_open_ended
from resnet_lab.films import moments
from resnet_lab.queueing import request
from resnet_lab.schedules import SCHEDULES
from resnet_lab.store import Store
from resnet_lab.weights import CHECKPOINT, WEIGHTS, read_tensors
from tests.processes import assert_undisturbed, go_on_here, short, store, train_here
from tests.sentences import is_one_sentence, refusal

__all__ = ["store"]


def trained(store, **fields):
    return train_here(store, short(**fields), name="first", tags=["t"], notes="a")


def filmed_in_turn(*steps):
    """The moments of the first run, and of each that went on those which were still to come."""
    return {moment for before, last in pairwise((0, *steps)) for moment in moments(last) if moment >= before}


# fmt: off
WAYS = {
    "the usual":              {},
    "a loss that is under way": {"loss_every": 7, "probe_every": 3, "evaluate_every": 0.75},
    "chance and adamw":       {"shortcut": "dropout", "optimizer": "adamw", "lr": 0.001},
    "after a warm-up":        {"warmup_steps": 4},
    "no milestones":          {"schedule": "steps", "milestones": ()},
}
# fmt: on


@pytest.mark.parametrize("way", WAYS)
def test_a_continued_run_ends_bit_for_bit_as_the_undisturbed_longer_one(store, way):
    run = trained(store, **WAYS[way])
    before = store.events(run.id), read_tensors(store.run_folder(run.id) / WEIGHTS)[0]
    longer = continue_longer(store, run.id, 33)
    assert (longer.status, longer.config) == ("queued", run.config.with_fields(steps=33))
    go_on_here(store, longer.id)
    assert_undisturbed(store, longer.id, filmed=filmed_in_turn(20, 33))
    after = store.events(run.id), read_tensors(store.run_folder(run.id) / WEIGHTS)[0]
    assert before[0] == after[0]
    assert all(torch.equal(before[1][name], after[1][name]) for name in after[1])


def test_a_continued_run_can_be_continued(store):
    run = trained(store)
    for steps in (21, 30):
        run = continue_longer(store, run.id, steps)
        go_on_here(store, run.id)
    assert_undisturbed(store, run.id, filmed=filmed_in_turn(20, 21, 30))


def test_until_it_goes_on_a_continued_run_shows_what_happened_before(store):
    run = trained(store)
    longer = continue_longer(store, run.id, 40)
    assert [event.step for _, event in store.events(longer.id, kinds=["step"])] == list(range(1, 20))
    assert [event.step for _, event in store.events(longer.id, kinds=["epoch"])] == [10]
    assert store.last(longer.id, "done") is None
    assert store.last(longer.id, "start").steps == 40
    first, second = (store.last(run_id, "start").seconds_expected for run_id in (run.id, longer.id))
    assert second > 1.5 * first


def test_a_continued_run_keeps_its_labels_and_says_where_it_comes_from(store):
    run = trained(store)
    longer = continue_longer(store, run.id, 40)
    assert (longer.name, longer.tags, longer.device, longer.threads) == ("first", ("t",), "cpu", 1)
    assert longer.notes == f"a\nGoes on from run {run.id}, which ended after 20 steps."
    assert longer.colour == run.colour + 1


@pytest.mark.parametrize("fields", [{"schedule": "one_cycle"}, {"schedule": "cosine"}, {"schedule": "steps"}], ids=str)
def test_another_schedule_is_refused_with_what_is_possible(store, fields):
    run = trained(store, **fields)
    said = refusal(continue_longer, store, run.id, 40)
    assert is_one_sentence(said)
    assert "train anew with 40 steps" in said
    assert fields["schedule"] in said
    assert [each.id for each in store.runs()] == [run.id]


@pytest.mark.parametrize("milestones", [(), (0.5,)], ids=str)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_what_is_open_ended_is_what_goes_on(store, schedule, milestones):
    run = store.add(short(schedule=schedule, milestones=milestones))
    goes_on = nullcontext() if is_open_ended(run.config.recipe) else pytest.raises(ValueError, match=schedule)
    with goes_on:
        check_rates(run, run.config.with_fields(steps=40), run.config.recipe.steps)


def test_what_is_not_done_is_not_continued(store):
    waiting = store.add(short())
    assert "is queued" in refusal(continue_longer, store, waiting.id, 40)
    request(store, waiting.id, "stop")
    assert is_one_sentence(refusal(continue_longer, store, waiting.id, 40))
    diverged = trained(store, lr=100, steps=200)
    assert "is diverged" in refusal(continue_longer, store, diverged.id, 400)
    assert not (store.run_folder(diverged.id) / CHECKPOINT).exists()


@pytest.mark.parametrize("steps", [0, 19, 20, 10**9])
def test_fewer_steps_and_too_many_are_refused(store, steps):
    run = trained(store)
    said = refusal(continue_longer, store, run.id, steps)
    assert is_one_sentence(said)
    assert len(store.runs()) == 1


def test_where_the_last_state_is_missing_or_damaged_it_is_said(store, tmp_path):
    run = trained(store)
    write_capsule(store, [run], tmp_path / "a.zip")
    with Store(None, tmp_path / "other") as other:
        read_capsule(other, tmp_path / "a.zip")
        said = refusal(continue_longer, other, run.id, 40)
        assert is_one_sentence(said)
        assert "imported" in said
    checkpoint = store.run_folder(run.id) / CHECKPOINT
    checkpoint.write_bytes(checkpoint.read_bytes()[:-1])
    assert is_one_sentence(refusal(continue_longer, store, run.id, 40))
    assert len(store.runs()) == 1


def test_a_run_that_cannot_be_written_leaves_nothing(store):
    run = trained(store)
    with store.writing() as connection:
        connection.execute(text("CREATE TRIGGER fails BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'No.'); END"))
    before = sorted(store.folder.glob("runs/*"))
    assert is_one_sentence(refusal(continue_longer, store, run.id, 40))
    assert sorted(store.folder.glob("runs/*")) == before
    assert store.runs() == [store.run(run.id)]
