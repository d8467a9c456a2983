"""What a net answers to each test image: kept as the test error counted it, whole or not there."""

import numpy as np
import pytest
import torch

from resnet_lab.batches import load_split
from resnet_lab.events import Epoch
from resnet_lab.files import StorageError
from resnet_lab.predictions import PREDICTIONS, Predictions, predict, read_predictions, write_predictions
from resnet_lab.weights import WEIGHTS, read_tensors, write_tensors
from tests.processes import short, store, train_here

__all__ = ["store"]

SOME = Predictions(np.array([3, 1, 99]), np.array([3, 2, 0]), np.array([0.5, 0.25, 1.0], dtype=np.float32))


def trained(store, **fields):
    run = train_here(store, short(**fields))
    return run, store.run_folder(run.id)


def assert_alike(one, other):
    assert np.array_equal(one.labels, other.labels)
    assert np.array_equal(one.predicted, other.predicted)
    assert np.allclose(one.confidence, other.confidence, atol=1e-3)  # kept in half precision


@pytest.mark.parametrize(
    "fields", [{}, {"precision": "bf16", "depth": 14, "test_size": 510, "data": "sample"}], ids=str
)
def test_the_predictions_of_a_finished_run_are_those_that_its_test_error_counted(store, fields):
    run, folder = trained(store, **fields)
    found = read_predictions(folder)
    split = load_split(run.config.data, "test", torch.device("cpu"))
    assert np.array_equal(found.labels, split.labels.numpy())
    assert found.fit(run.config)
    error = 100 * (found.predicted != found.labels).mean()
    assert error == pytest.approx(store.last(run.id, Epoch.kind).test_error, abs=1e-9)
    assert 0 < error < 100
    assert ((found.confidence >= 0.1) & (found.confidence <= 1)).all()


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_where_they_are_missing_they_are_computed_from_the_weights(store, precision):
    run, folder = trained(store, precision=precision)
    kept = read_predictions(folder)
    (folder / PREDICTIONS).unlink()
    assert read_predictions(folder) is None
    assert_alike(predict(run.config, folder / WEIGHTS, "cpu"), kept)


def test_weights_that_do_not_say_how_they_were_trained_are_taken_as_fp32(store):
    run, folder = trained(store)
    tensors, _ = read_tensors(folder / WEIGHTS)
    write_tensors(folder / "old", tensors, {"step": 20})
    assert_alike(predict(run.config, folder / "old", "cpu"), read_predictions(folder))


def test_a_diverged_run_has_predictions_and_an_unfinished_one_has_none(store, tmp_path):
    run, folder = trained(store, lr=100, steps=200)
    assert run.status == "diverged"
    assert read_predictions(folder).fit(run.config)
    assert read_predictions(tmp_path) is None


def test_they_come_back_as_they_were_written(tmp_path):
    write_predictions(tmp_path, SOME)
    found = read_predictions(tmp_path)
    assert_alike(found, SOME)
    assert found.labels.dtype == found.predicted.dtype == np.int64
    assert found.confidence.dtype == np.float32


def test_those_of_another_test_set_do_not_fit():
    whole = Predictions(np.arange(100) % 10, np.arange(100) % 10, np.ones(100))
    assert whole.fit(short())
    assert not whole.fit(short(test_size=99))
    assert not Predictions(whole.labels, whole.predicted + 1, whole.confidence).fit(short())


# fmt: off
DAMAGES = {
    "cut off":      lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "empty":        lambda path: path.write_bytes(b""),
    "weights":      lambda path: write_tensors(path, {"weight": torch.ones(3)}, {}),
    "unequal":      lambda path: write_tensors(path, tensors(labels=2), {}),
    "a table":      lambda path: write_tensors(path, {name: each.view(1, 3) for name, each in tensors().items()}, {}),
}
# fmt: on


def tensors(labels=3):
    return {"labels": torch.ones(labels), "predicted": torch.ones(3), "confidence": torch.ones(3)}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_named_in_one_sentence(tmp_path, damage):
    write_predictions(tmp_path, SOME)
    DAMAGES[damage](tmp_path / PREDICTIONS)
    with pytest.raises(StorageError, match=PREDICTIONS) as caught:
        read_predictions(tmp_path)
    assert str(caught.value).count(". ") == 0
