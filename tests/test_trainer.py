"""The trainer against a loop written out, exactly resumable, and alone with its numbers."""

import copy
import json
import math
import random
import signal
import subprocess
import sys

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn
from torch.nn import functional
from torchvision.transforms import functional as transforms

from resnet_lab.augmentation import draw_epoch
from resnet_lab.batches import load_split
from resnet_lab.data import DATASETS
from resnet_lab.events import Alert, Done, Epoch, Event, Probe, Start, Step
from resnet_lab.execution import UsualWay
from resnet_lab.nets import build_model
from resnet_lab.presets import preset
from resnet_lab.run_config import RunConfig
from resnet_lab.schedules import learning_rate
from resnet_lab.trainer import Trainer, expected_seconds
from resnet_lab.weights import read_tensors
from tests.sentences import is_one_sentence, refusal

pytestmark = pytest.mark.usefixtures("one_thread")

TIMES = ("seconds", "images_per_second", "seconds_left", "seconds_expected")
# fmt: off
TINY = {
    "data": "synthetic", "depth": 8, "width": 0.25, "train_size": 100, "test_size": 60, "batch_size": 16, "steps": 9,
    "precision": "fp32", "loss_every": 4, "probe_every": 3, "evaluate_every": 0.75,
}
# fmt: on


def tiny(**fields) -> RunConfig:
    return preset("minute", **TINY | fields)


def trainer(config=None, **fields):
    return Trainer(config or tiny(**fields), device="cpu")


def untimed(events):
    """What is the same in every run of the same configuration."""
    kept = [{name: value for name, value in event.to_dict().items() if name not in TIMES} for event in events]
    return [{**fields, "execution": None} if fields["kind"] == "start" else fields for fields in kept]


def of_kind(kind, events):
    return [event for event in events if isinstance(event, kind)]


def finished(config=None, **fields):
    """A trainer at its end, and its events."""
    one = trainer(config, **fields)
    return one, list(one)


def assert_same_tensors(one, other):
    assert one.keys() == other.keys()
    for name in one:
        assert one[name].dtype == other[name].dtype
        assert torch.equal(one[name].nan_to_num(7.0), other[name].nan_to_num(7.0)), name


# The same as a loop written out.


class Loop:
    """One image at a time through torchvision's transforms, contiguous tensors, torch's plain optimisers."""

    def __init__(self, config, start):
        self.config, recipe = config, config.recipe
        self.model = build_model(config.model)
        self.model.load_state_dict(start)
        self.splits = {name: load_split(config.data, name, torch.device("cpu")) for name in ("train", "test")}
        kind = {"sgd": torch.optim.SGD, "adamw": torch.optim.AdamW}[recipe.optimizer]
        extra = {"momentum": recipe.momentum, "nesterov": recipe.nesterov} if recipe.optimizer == "sgd" else {}
        self.optimizer = kind(
            self.model.parameters(), recipe.lr, weight_decay=recipe.weight_decay, foreach=False, **extra
        )

    def normalised(self, image):
        dataset = DATASETS[self.config.data.name]
        return transforms.normalize(image.float() / 255, dataset.mean, dataset.std)

    def image(self, index, offset, is_flipped):
        pixels, crop = self.splits["train"].pixels[index], self.config.recipe.crop
        padded = transforms.pad(self.normalised(pixels), [crop] * 4)
        cropped = transforms.crop(padded, *offset, *pixels.shape[1:])
        return transforms.hflip(cropped) if is_flipped else cropped

    def batches(self):
        size, recipe, position = len(self.splits["train"]), self.config.recipe, 0
        draws = [draw_epoch(self.config.seed, epoch, size, recipe.crop, recipe.flip) for epoch in range(30)]
        for _ in range(recipe.steps):
            images, labels = [], []
            for _ in range(recipe.batch_size):
                draw, place = draws[position // size], position % size
                index = draw.indices[place].item()
                images.append(self.image(index, draw.offsets[place].tolist(), draw.flips[place].item()))
                labels.append(self.splits["train"].labels[index])
                position += 1
            yield torch.stack(images), torch.stack(labels)

    def train(self):
        """The loss of every step."""
        losses = []
        for step, (images, labels) in enumerate(self.batches()):
            self.optimizer.param_groups[0]["lr"] = learning_rate(self.config.recipe, step)
            loss = functional.cross_entropy(
                self.model(images), labels, label_smoothing=self.config.recipe.label_smoothing
            )
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            losses.append(loss.item())
        return losses

    def test_error(self, model):
        split = self.splits["test"]
        twin = copy.deepcopy(model).eval()
        with torch.no_grad():
            answers = [twin(self.normalised(image)[None]).argmax().item() for image in split.pixels]
        return (
            100
            * sum(answer != label for answer, label in zip(answers, split.labels.tolist(), strict=True))
            / len(split)
        )


def flattened(state):
    return torch.cat([tensor.double().flatten() for tensor in state.values() if tensor.is_floating_point()])


# fmt: off
LIKE_THE_LOOP = {
    "original":  {},
    "nesterov":  {"placement": "full_preact", "nesterov": True, "weight_decay": 5e-3, "schedule": "one_cycle"},
    "gated":     {"shortcut": "exclusive_gating", "shortcut_args": {"gate_bias": 0}, "projection": "B", "seed": 3},
    "adamw":     {"optimizer": "adamw", "lr": 0.002, "weight_decay": 0.05, "label_smoothing": 0.1, "unit": "bottleneck",
                  "depth": 11},
    "warmed up": {"schedule": "steps", "warmup_steps": 3, "crop": 4, "resolution": 32, "flip": False},
}
# fmt: on


@pytest.mark.parametrize("name", LIKE_THE_LOOP)
def test_training_is_the_loop_that_anyone_would_write(name):
    config = tiny(**LIKE_THE_LOOP[name], loss_every=1)
    one = trainer(config)
    start = copy.deepcopy(one.model.state_dict())
    loop = Loop(config, start)
    losses = [event.loss for event in of_kind(Step, one)]
    slack = 500 if name == "adamw" else 1  # it divides by the gradient's size, however small
    assert losses == pytest.approx(loop.train(), rel=1e-5 * slack)
    ours, theirs = (flattened(model.state_dict()) for model in (one.model, loop.model))
    assert (ours - theirs).norm() < 1e-4 * slack * (theirs - flattened(start)).norm()


@pytest.mark.parametrize("fields", [{}, {"data": "sample", "train_size": 200, "test_size": 510}], ids=str)
def test_the_test_error_is_that_of_the_final_weights_counted_one_by_one(fields):
    config = tiny(**fields, steps=25)
    one, events = finished(config)
    by_hand = Loop(config, one.model.state_dict()).test_error(one.model)
    assert of_kind(Epoch, events)[-1].test_error == pytest.approx(by_hand)
    assert events[-1].test_error == of_kind(Epoch, events)[-1].test_error
    assert 0 < by_hand < 100


def test_the_loss_that_is_said_is_the_mean_since_it_was_said_last():
    each = [event.loss for event in of_kind(Step, trainer(loss_every=1, steps=9))]
    means = of_kind(Step, trainer(loss_every=4, steps=9))
    assert [event.step for event in means] == [4, 8, 9]
    by_hand = [sum(each[:4]) / 4, sum(each[4:8]) / 4, each[8]]
    assert [event.loss for event in means] == pytest.approx(by_hand, rel=1e-6)


@pytest.mark.parametrize("fields", [{}, {"data": "sample", "crop_zeros": "before"}], ids=str)
def test_the_training_error_is_counted_image_by_image_on_what_was_trained_on(fields):
    config = tiny(**fields, steps=12)
    one, counts = trainer(config), []
    one.advance()
    for step in range(12):
        draw = one.learner.stream.batch(step * config.recipe.batch_size, config.recipe.batch_size)
        images, labels = one.learner.train.training_batch(draw, config.recipe)
        with torch.no_grad():
            answers = copy.deepcopy(one.model)(images).argmax(1)
        counts.append(sum(answer != label for answer, label in zip(answers.tolist(), labels.tolist(), strict=True)))
        one.advance()
    found = [event.train_error for event in of_kind(Step, [event for _, event in one.take()])]
    assert found == pytest.approx([100 * sum(counts[k : k + 4]) / 64 for k in (0, 4, 8)])
    assert 0 < found[-1] < 100


def test_a_state_of_before_the_training_error_is_taken_up_and_says_it_from_the_next_mean_on():
    one, whole = trainer(loss_every=3), trainer(loss_every=3)
    for _ in range(6):
        one.advance()
    state = through_bytes(one.state_dict())
    del state["tensors"]["wrong_sum"]
    successor = trainer(loss_every=3)
    successor.load_state_dict(state)
    expected, found = (of_kind(Step, map(Event.from_dict, map(Event.to_dict, each))) for each in (whole, successor))
    assert [event.train_error is None for event in found] == [False, True, False]
    assert [event.loss for event in found] == [event.loss for event in expected]
    assert found[2].train_error == expected[2].train_error


def test_the_learning_rate_that_is_said_is_that_of_the_last_step():
    config = tiny(schedule="cosine", loss_every=1)
    assert [event.lr for event in of_kind(Step, trainer(config))] == [learning_rate(config.recipe, i) for i in range(9)]


def test_training_learns_and_a_healthy_run_says_nothing():
    one, events = finished(data="sample", placement="full_preact", width=0.5, train_size=1_000, test_size=500,
                           steps=120, batch_size=64, loss_every=10, probe_every=0, evaluate_every=10)  # fmt: skip
    losses = [event.loss for event in of_kind(Step, events)]
    assert losses[0] > 2.2
    assert losses[-1] < 1.8
    assert one.test_error < 75
    assert of_kind(Alert, events) == []
    assert one.status == "done"


# What is said.


def test_a_run_starts_with_what_it_is_about_to_do_and_ends_with_what_became_of_it():
    one, events = finished(loss_every=100, probe_every=0, evaluate_every=100)
    start, step, epoch, done = events
    assert (start.steps, start.num_train, start.num_test, start.step) == (9, 100, 60, 0)
    assert start.parameters == sum(parameter.numel() for parameter in one.model.parameters())
    how = {"precision": "fp32", "threads": 1, "deterministic": False, "launch": "eager"}
    how |= {"units": "plain", "layout": "channels_last"}
    assert start.execution == {"device": "cpu"} | how
    assert start.images_per_second > 0 < start.seconds_expected
    assert (step.step, epoch.step, done.step) == (9, 9, 9)
    assert step.seconds_left == 0
    assert (done.status, done.epoch) == ("done", pytest.approx(1.44))
    assert done.words == f"All 9 steps are done. The test error is {done.test_error:.2f}% of 60 images."


@pytest.mark.parametrize("every", [0.25, 0.75, 1, 2, 100])
def test_a_test_comes_at_the_step_that_completes_its_epochs_and_at_the_end(every):
    events = of_kind(Epoch, trainer(steps=20, evaluate_every=every, probe_every=0))
    due = {math.ceil(k * every * 100 / 16) for k in range(1, 100)}
    assert [event.step for event in events] == sorted({step for step in due if step < 20} | {20})
    assert [event.epoch for event in events] == pytest.approx([event.step * 16 / 100 for event in events])


@pytest.mark.parametrize(("every", "steps"), [(0, []), (1, [*range(1, 10)]), (4, [4, 8]), (100, [])])
def test_a_probe_comes_every_so_many_steps(every, steps):
    assert [event.step for event in of_kind(Probe, trainer(probe_every=every))] == steps


def test_a_probe_has_norms_and_responses_by_layer_and_values_by_unit():
    probe = of_kind(Probe, trainer(shortcut="exclusive_gating"))[0]
    assert set(probe.layers["stem.conv1"]) == {"gradient_norm", "weight_norm", "update_ratio", "response"}
    assert set(probe.layers["head"]) == {"gradient_norm", "weight_norm", "update_ratio"}
    norms = {"gradient_norm", "weight_norm", "update_ratio"}
    assert set(probe.units) == norms | {"shortcut_share", "dead_relus", "gate_openness"}
    assert {len(values) for values in probe.units.values()} == {3}


@pytest.mark.parametrize(("every", "num_tests"), [(100, 1), (0.75, 2), (0.01, 9)])
def test_what_a_run_costs_is_its_steps_and_its_tests_whose_images_cost_a_third(every, num_tests):
    config = tiny(evaluate_every=every)
    assert len(of_kind(Epoch, trainer(config))) == num_tests
    assert expected_seconds(config, pace=0.5) == pytest.approx(0.5 * (9 + num_tests * 60 / 16 / 3))


def test_events_are_numbered_from_one_without_a_gap():
    one, taken = trainer(), []
    while not one.status:
        one.advance()
        taken += one.take()
    assert [number for number, _ in taken] == list(range(1, one.num_events + 1))
    assert untimed(event for _, event in taken) == untimed(trainer())
    assert one.take() == []


# Pausing.


class Clock:
    """A second passes whenever it is looked at, and more when it is told so."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 1
        return self.now


def seconds_with(pause):
    clock, found = Clock(), []
    for event in Trainer(tiny(), device="cpu", clock=clock):
        clock.now += pause
        found.append([getattr(event, name) for name in TIMES if hasattr(event, name) and event.kind != "start"])
    return found


def test_pauses_are_not_counted():
    assert seconds_with(10_000) == seconds_with(0)


def test_pauses_before_and_after_a_resume_are_not_counted():
    clock = Clock()
    one = Trainer(tiny(), device="cpu", clock=clock)
    events = [next(one) for _ in range(4)]
    late = Clock()
    late.now = 1e6
    two = Trainer(tiny(), device="cpu", clock=late)
    two.load_state_dict(through_bytes(one.state_dict()))
    late.now = 2e6
    seconds = [event.seconds for event in [*events, *two]]
    assert seconds == sorted(seconds)
    assert seconds[-1] < 100


# Exact resume.


def to_bytes(state):
    """As in a file: contiguous tensors as safetensors, the record as JSON."""
    tensors = {name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in state["tensors"].items()}
    return safetensors.torch.save(tensors), json.dumps(state["record"]).encode()


def from_bytes(content):
    return {"tensors": safetensors.torch.load(content[0]), "record": json.loads(content[1])}


def through_bytes(state):
    return from_bytes(to_bytes(state))


# fmt: off
RESUMED = {
    "original":  {},
    "dropout":   {"shortcut": "dropout", "nesterov": True, "schedule": "one_cycle"},
    "depth":     {"stochastic_depth": 0.5, "placement": "full_preact", "branch_dropout": 0.25, "precision": "bf16"},
    "adamw":     {"optimizer": "adamw", "lr": 0.001, "skipinit": True, "shortcut": "shortcut_only_gating"},
    "bottleneck": {"unit": "bottleneck", "depth": 11, "projection": "C", "precision": "bf16", "momentum": 0},
    "far above": {"lr": 10, "loss_every": 1},
    "diverging": {"lr": 100, "loss_every": 2, "shortcut": "none", "steps": 12, "momentum": 0.99},
    "no number": {"lr": 100, "loss_every": 12, "weight_decay": 1, "steps": 12},
}
# fmt: on


def assert_ends_as(config, state, whole, expected, before=()):
    successor = trainer(config)
    successor.load_state_dict(from_bytes(state))
    events = list(successor)
    assert untimed([*before, *events]) == expected
    assert_same_tensors(successor.state_dict()["tensors"], whole.state_dict()["tensors"])
    assert successor.num_events == whole.num_events


@pytest.mark.parametrize("name", RESUMED)
def test_cut_after_any_step_a_run_ends_bit_for_bit_as_the_undisturbed_one(name):
    """Nothing was taken before the cut: all that was said is pending in the state."""
    config = tiny(**RESUMED[name])
    whole, events = finished(config)
    expected = untimed(events)
    one, states = trainer(config), []
    while not one.status:
        states.append(to_bytes(one.state_dict()))
        one.advance()
    states.append(to_bytes(one.state_dict()))
    assert len(states) == whole.step + 2
    for state in states:
        assert_ends_as(config, state, whole, expected)


@pytest.mark.parametrize("name", ["dropout", "far above", "diverging"])
def test_cut_after_any_event_a_run_says_the_rest_and_nothing_twice(name):
    config = tiny(**RESUMED[name], evaluate_every=0.16)
    whole, events = finished(config)
    one, taken, cuts = trainer(config), [], []
    for event in one:
        taken.append(event)
        cuts.append((len(taken), to_bytes(one.state_dict())))
    assert sum(bool(json.loads(state[1])["pending"]) for _, state in cuts) > 5
    for num_taken, state in cuts:
        assert_ends_as(config, state, whole, untimed(events), before=taken[:num_taken])


def test_resumed_again_and_again_it_is_still_the_same():
    config = tiny(**RESUMED["dropout"])
    whole, events = finished(config)
    one, said = trainer(config), []
    while not one.status:
        one.advance()
        said += one.take()
        successor = trainer(config)
        successor.load_state_dict(through_bytes(one.state_dict()))
        one = successor
    assert untimed(event for _, event in said) == untimed(events)
    assert_same_tensors(one.state_dict()["tensors"], whole.state_dict()["tensors"])


def test_a_state_that_was_loaded_is_a_copy():
    one = trainer()
    for _ in range(3):
        one.advance()
    state = one.state_dict()
    successor = trainer()
    successor.load_state_dict(state)
    before = to_bytes(successor.state_dict())
    list(one)
    assert to_bytes(successor.state_dict()) == before


def test_the_precision_that_was_chosen_is_kept():
    one = trainer(precision="auto")
    chosen = next(one).execution["precision"]
    other = {"fp32": "bf16", "bf16": "fp32"}[chosen]
    for precision in (chosen, other):
        state = through_bytes(one.state_dict())
        state["record"]["execution"]["precision"] = precision
        successor = trainer(precision="auto")
        successor.load_state_dict(state)
        assert successor.execution.precision == precision
        assert isinstance(next(successor), Probe)


def test_a_run_lies_in_memory_as_it_is_fastest_here_and_goes_on_so_bit_for_bit():
    def begun():
        return Trainer(tiny(), device="cpu", usual=UsualWay("fp32", {"fp32": "contiguous"}))

    whole, one, elsewhere = begun(), begun(), trainer()
    expected = untimed(whole)
    for _ in range(5):
        one.advance()
    elsewhere.load_state_dict(through_bytes(one.state_dict()))
    assert elsewhere.execution.layout == "contiguous"
    assert elsewhere.model.stem.conv1.weight.is_contiguous()
    assert untimed(elsewhere) == expected
    assert_same_tensors(elsewhere.state_dict()["tensors"], whole.state_dict()["tensors"])


def test_a_state_of_before_layouts_were_chosen_goes_on_with_channels_last():
    one = trainer()
    next(one)
    state = one.state_dict()
    del state["record"]["execution"]["layout"]
    del state["record"]["lapped"]
    successor = trainer()
    successor.load_state_dict(state)
    assert successor.execution == one.execution
    assert untimed(successor) == untimed(one)


def test_what_was_begun_on_a_gpu_goes_on_on_the_device_that_there_is():
    one = trainer()
    next(one)
    state = one.state_dict()
    state["record"]["execution"]["device"] = "cuda"
    successor = trainer()
    successor.load_state_dict(state)
    assert untimed(successor) == untimed(one)


def test_the_state_of_another_run_is_refused_in_one_sentence():
    text = refusal(trainer(seed=1).load_state_dict, trainer(seed=0).state_dict())
    assert is_one_sentence(text)
    assert tiny(seed=0).key in text
    assert tiny(seed=1).key in text


PROCESS = """
import pathlib, sys, torch
from resnet_lab.run_config import RunConfig
from resnet_lab.trainer import Trainer
from resnet_lab.weights import read_tensors, write_tensors

torch.set_num_threads(1)
torch.manual_seed(int(sys.argv[3]))
path, trainer = pathlib.Path(sys.argv[1]), Trainer(RunConfig.from_json(sys.argv[2]), device="cpu")
if path.exists():
    tensors, record = read_tensors(path)
    trainer.load_state_dict({"tensors": tensors, "record": record})
while not trainer.status:
    trainer.advance()
    write_tensors(path, **trainer.state_dict())
    print(trainer.step, flush=True)
"""


def test_killed_in_the_middle_and_started_in_fresh_processes_it_is_still_the_same(tmp_path):
    config, path, reached = tiny(**RESUMED["depth"], steps=40), tmp_path / "checkpoint", []
    for number, enough in enumerate((13, 100)):
        arguments = [sys.executable, "-c", PROCESS, str(path), config.to_json(), str(number)]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                reached.append(int(line))
                if reached[-1] >= enough:
                    process.send_signal(signal.SIGKILL)
                    break
        assert process.returncode == (0 if enough == 100 else -signal.SIGKILL)
    assert reached[-1] == 40
    whole, events = finished(config)
    tensors, record = read_tensors(path)
    assert_same_tensors(tensors, whole.state_dict()["tensors"])
    said = [fields for _, fields in record["pending"]]
    assert untimed(map(Event.from_dict, said)) == untimed(events)


# Alone with its numbers.


def process_state(models):
    cudnn = torch.backends.cudnn
    return {
        "torch": torch.get_rng_state().tolist(),
        "numpy": np.random.get_state()[1].tolist(),
        "python": random.getstate(),
        "threads": torch.get_num_threads(),
        "flags": (cudnn.enabled, cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32),
        "algorithms": torch.are_deterministic_algorithms_enabled(),
        "grad": torch.is_grad_enabled(),
        "autocast": torch.is_autocast_enabled("cpu"),
        "dtype": torch.get_default_dtype(),
        "hooks": [
            len(module._forward_hooks) + len(module._forward_pre_hooks) + len(module._backward_hooks)
            for model in models
            for module in model.modules()
        ],
        "training": {module.training for model in models for module in model.modules()},
    }


@pytest.mark.parametrize("name", ["dropout", "depth"])
def test_the_process_is_as_it_was_at_every_event(name):
    one = trainer(**RESUMED[name])
    before = process_state([one.model])
    assert before["training"] == {True}
    assert not any(before["hooks"])
    for _ in one:
        assert process_state([one.model]) == before


@pytest.mark.parametrize("name", ["original", "dropout", "depth"])
def test_whatever_the_seed_of_torch_was_the_same_is_drawn(name):
    runs = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        runs.append(finished(**RESUMED[name]))
        torch.rand(100)
    assert untimed(runs[0][1]) == untimed(runs[1][1])
    assert_same_tensors(runs[0][0].model.state_dict(), runs[1][0].model.state_dict())


def test_two_trainers_in_turns_give_what_each_gives_alone():
    configs = [tiny(**RESUMED["dropout"]), tiny(**RESUMED["depth"], seed=1)]
    alone = [finished(config) for config in configs]
    together, said = [trainer(config) for config in configs], [[], []]
    while any(not one.status or one.pending for one in together):
        for one, events in zip(together, said, strict=True):
            events += [event for event in [next(one, None)] if event]
            torch.rand(3)
    for (whole, events), one, heard in zip(alone, together, said, strict=True):
        assert untimed(heard) == untimed(events)
        assert_same_tensors(one.state_dict()["tensors"], whole.state_dict()["tensors"])


@pytest.mark.parametrize("name", ["original", "dropout", "depth"])
def test_what_is_watched_changes_nothing_in_the_training(name):
    kept = []
    for watch in ({"probe_every": 1}, {"probe_every": 0}, {"loss_every": 1, "evaluate_every": 0.01}):
        kept.append(finished(**RESUMED[name] | watch)[0].state_dict()["tensors"])
        for count in ("loss_sum", "wrong_sum"):
            kept[-1].pop(count)
    assert_same_tensors(kept[0], kept[1])
    assert_same_tensors(kept[0], kept[2])


def test_another_seed_is_another_run_from_the_first_weight_on():
    weights = [trainer(seed=seed).model.stem.conv1.weight for seed in (0, 1)]
    assert not torch.isclose(*weights).any()
    losses = [of_kind(Step, trainer(seed=seed))[0].loss for seed in (0, 0, 1)]
    assert losses[0] == losses[1] != losses[2]


def test_dropout_draws_anew_at_every_step():
    one, masks = trainer(shortcut="dropout", probe_every=0), []
    next(one)
    hook = next(module for module in one.model.modules() if isinstance(module, nn.Dropout))
    hook.register_forward_hook(lambda layer, inputs, output: masks.append((inputs[0] != 0, output == 0)))
    for _ in range(3):
        one.advance()
    assert len(masks) == 3
    for i, (alive, dropped) in enumerate(masks):
        for others_alive, others_dropped in masks[:i]:
            assert ((dropped != others_dropped) & alive & others_alive).any()


# How it breaks down.


def alerts(events):
    return [event.about for event in of_kind(Alert, events)]


def test_a_run_that_breaks_down_says_so_and_ends():
    one, events = finished(**RESUMED["diverging"], evaluate_every=100)
    assert alerts(events)[-1] == "nan"
    assert [event.kind for event in events][-3:] == ["warning", "epoch", "done"]
    assert (events[-1].status, one.status) == ("diverged", "diverged")
    assert events[-1].step < 12
    assert events[-1].words.startswith("Training broke down. The test error is ")
    assert [next(one, None) for _ in range(2)] == [None, None]
    json.dumps([event.to_dict() for event in events], allow_nan=False)


def test_a_loss_that_is_no_number_is_the_end_too():
    _, events = finished(**RESUMED["no number"])
    assert math.isnan(of_kind(Step, events)[-1].loss)
    assert alerts(events) == ["nan"]
    assert "no longer a number" in of_kind(Alert, events)[0].words
    assert events[-1].status == "diverged"


def test_a_run_that_breaks_down_at_its_last_step_is_not_done():
    end = finished(**RESUMED["diverging"])[1][-1].step
    assert finished(**RESUMED["diverging"] | {"steps": end})[1][-1].status == "diverged"


def test_a_run_that_ends_has_nothing_more_to_say():
    one, events = finished()
    assert isinstance(events[-1], Done)
    assert len(of_kind(Done, events)) == len(of_kind(Start, events)) == 1
    with pytest.raises(StopIteration):
        next(one)


def test_a_loss_far_above_guessing_is_said_once_and_the_run_goes_on():
    one, events = finished(lr=10, steps=4, loss_every=1, probe_every=0)
    assert alerts(events).count("divergence") == 1
    assert one.status == "done"


def test_a_run_that_only_guesses_and_stands_still_says_both_once():
    one, events = finished(lr=1e-9, steps=130, loss_every=2, probe_every=0, zero_gamma=True, shortcut="identity",
                           evaluate_every=100, width=0.25, init="he_fan_in")  # fmt: skip
    assert one.status == "done"
    assert sorted(alerts(events)) == ["chance", "plateau"]
    assert {event.step for event in of_kind(Alert, events)} == {100}
    assert all(is_one_sentence(event.words) for event in of_kind(Alert, events))


# Devices and precisions.


@pytest.mark.parametrize("precision", ["fp32", "bf16", "auto"])
def test_every_precision_trains(precision):
    _, events = finished(precision=precision, steps=40, probe_every=0, evaluate_every=100)
    losses = [event.loss for event in of_kind(Step, events)]
    assert losses[-1] < losses[0] - 0.1
    assert events[0].execution["precision"] in {"auto": ("fp32", "bf16")}.get(precision, (precision,))


def test_bf16_is_near_fp32_and_not_the_same():
    losses = [of_kind(Step, trainer(precision=precision, loss_every=1))[0].loss for precision in ("fp32", "bf16")]
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.02)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_gpu_that_is_not_there_is_missed_in_one_sentence():
    assert is_one_sentence(refusal(Trainer, tiny(), device="cuda"))


def test_weights_are_channels_last_and_stay_so():
    one, _ = finished()
    convs = [module.weight for module in one.model.modules() if isinstance(module, nn.Conv2d)]
    assert all(weight.is_contiguous(memory_format=torch.channels_last) for weight in convs)
    successor = trainer()
    successor.load_state_dict(through_bytes(one.state_dict()))
    memory = successor.learner.optimizer.named_memory()["momentum_buffer.stem.conv1.weight"]
    assert memory.stride() == successor.model.stem.conv1.weight.stride()
