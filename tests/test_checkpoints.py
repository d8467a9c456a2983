"""Public checkpoints: what their names say is found, and what is no checkpoint is refused in one sentence."""

import os
import pickle
import re

import pytest
import torch
import torchvision

from resnet_lab.block_config import BlockConfig
from resnet_lab.checkpoints import load_checkpoint
from resnet_lab.data import load_images, normalised
from resnet_lab.model_config import ModelConfig
from resnet_lab.nets import build_model

pytestmark = pytest.mark.usefixtures("one_thread")

PUBLIC_MEAN, PUBLIC_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def images(side=32):
    return torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(1))


def with_random_statistics(model):
    """In evaluation mode, with every BN doing something of its own."""
    for name, tensor in model.state_dict().items():
        if tensor.dim() == 1:
            tensor.uniform_(0.5, 1.5) if name.endswith(("running_var", "weight")) else tensor.uniform_(-0.5, 0.5)
    return model.eval()


def our_net(**fields):
    torch.manual_seed(0)
    config = ModelConfig(**fields)
    return config, with_random_statistics(build_model(config))


def named(model, names):
    """The state dict with every name rewritten by the first pattern that fits."""
    state = {}
    for key, tensor in model.state_dict().items():
        pattern = next(pattern for pattern in names if re.fullmatch(pattern, key))
        template = names[pattern]
        stage_from_one = re.sub(r"stages\.(\d)", lambda match: f"stages.{int(match[1]) + 1}", key)
        state[re.sub(pattern, template, stage_from_one)] = tensor
    return state


CHENYAOFO = {
    r"stem\.(.*)": r"\1",
    r"stages\.(\d)\.(\d+)\.branch\.(.*)": r"layer\1.\2.\3",
    r"stages\.(\d)\.(\d+)\.match\.conv1\.(.*)": r"layer\1.\2.downsample.0.\3",
    r"stages\.(\d)\.(\d+)\.match\.bn1\.(.*)": r"layer\1.\2.downsample.1.\3",
    r"head\.(.*)": r"fc.\1",
}
AKAMASTER = {
    r"stem\.(.*)": r"module.\1",
    r"stages\.(\d)\.(\d+)\.branch\.(.*)": r"module.layer\1.\2.\3",
    r"stages\.(\d)\.(\d+)\.match\.conv1\.(.*)": r"module.layer\1.\2.shortcut.0.\3",
    r"stages\.(\d)\.(\d+)\.match\.bn1\.(.*)": r"module.layer\1.\2.shortcut.1.\3",
    r"head\.(.*)": r"module.linear.\1",
}


def saved(content, path):
    torch.save(content, path)
    return path


# What is found.


TORCHVISION = {
    "resnet18": {"depth": 18},
    "resnet34": {"depth": 34},
    "resnet50": {"depth": 50, "unit": "bottleneck"},
    "resnext50_32x4d": {"depth": 50, "unit": "bottleneck", "groups": 32, "group_width": 4},
    "wide_resnet50_2": {"depth": 50, "unit": "bottleneck", "groups": 1, "group_width": 128},
}


@pytest.mark.parametrize("name", TORCHVISION)
def test_torchvision_file_gives_torchvisions_net(name, tmp_path):
    torch.manual_seed(0)
    theirs = with_random_statistics(getattr(torchvision.models, name)(num_classes=7))
    config, ours = load_checkpoint(saved(theirs.state_dict(), tmp_path / f"{name}.pth"))
    assert config == ModelConfig(family="imagenet", num_classes=7, projection="B", **TORCHVISION[name])
    assert not ours.training
    torch.testing.assert_close(ours(images(64)), theirs(images(64)))


CIFAR = [
    {"depth": 8, "projection": "B"},
    {"depth": 20, "projection": "B", "num_classes": 100},
    {"depth": 14, "projection": "B", "width": 0.5},
    {"depth": 20, "projection": "B", "unit": "bottleneck"},
    {"depth": 20, "projection": "B", "unit": "bottleneck", "width": 4, "groups": 8, "group_width": 16},
    {"depth": 8, "projection": "A"},
    {"depth": 56, "projection": "A", "width": 0.25},
    {"depth": 11, "projection": "A", "unit": "bottleneck"},
    {"depth": 8, "projection": "C", "num_classes": 2},
]


@pytest.mark.parametrize("fields", CIFAR, ids=lambda fields: " ".join(map(str, fields.values())))
def test_chenyaofo_file_gives_the_net_that_was_written(fields, tmp_path):
    config, model = our_net(**fields)
    found, loaded = load_checkpoint(saved(named(model, CHENYAOFO), tmp_path / "cifar10_resnet.pt"))
    assert found == config
    assert not loaded.training
    assert torch.equal(loaded(images()), model(images()))


@pytest.mark.parametrize("fields", CIFAR, ids=lambda fields: " ".join(map(str, fields.values())))
def test_akamaster_file_gives_the_net_that_was_written(fields, tmp_path):
    config, model = our_net(**fields)
    content = {"state_dict": named(model, AKAMASTER), "best_prec1": 91.5, "epoch": 3}
    found, loaded = load_checkpoint(saved(content, tmp_path / "model.th"))
    assert found == config
    assert torch.equal(loaded(images()), model(images()))


def test_a_net_whose_units_all_change_the_shape_is_the_same_net_with_b_and_c(tmp_path):
    config, model = our_net(depth=11, unit="bottleneck", projection="B")
    found, loaded = load_checkpoint(saved(named(model, CHENYAOFO), tmp_path / "model.pt"))
    assert found.changed(projection="B") == config
    assert torch.equal(loaded(images()), model(images()))


@pytest.mark.parametrize(("family", "stem"), [("cifar", "large"), ("imagenet", "small")])
def test_the_stem_is_found_by_its_size(family, stem, tmp_path):
    config, model = our_net(family=family, depth=8 if family == "cifar" else 18, width=0.25, projection="B", stem=stem)
    found, loaded = load_checkpoint(saved(named(model, CHENYAOFO), tmp_path / "model.pt"))
    assert found == config
    assert torch.equal(loaded(images(64)), model(images(64)))


def test_a_path_may_be_text_and_a_file_may_be_of_the_old_format(tmp_path):
    config, model = our_net(depth=8, projection="B")
    path = tmp_path / "old.pt"
    torch.save(named(model, CHENYAOFO), path, _use_new_zipfile_serialization=False)
    assert load_checkpoint(str(path))[0] == config


def test_files_that_count_no_batches_are_as_good(tmp_path):
    config, model = our_net(depth=8, projection="B")
    state = {key: tensor for key, tensor in named(model, CHENYAOFO).items() if "num_batches" not in key}
    found, loaded = load_checkpoint(saved(state, tmp_path / "model.pt"))
    assert found == config
    assert torch.equal(loaded(images()), model(images()))


# What is refused.


def refusal(path):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        load_checkpoint(path)
    message = str(caught.value)
    assert str(path) in message
    rest = message.replace(str(path), "the file")
    assert "\n" not in rest
    assert rest.endswith(".")
    assert not re.search(r"\.\.|\. ", rest), "more than one sentence"
    return rest


def resnet8():
    return named(our_net(depth=8, projection="B")[1], CHENYAOFO)


def test_a_missing_file_is_named(tmp_path):
    assert refusal(tmp_path / "nowhere.pt") == "There is no file the file."


def test_a_directory_is_refused(tmp_path):
    refusal(tmp_path)


@pytest.mark.parametrize("share", [0, 0.001, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("is_zip", [True, False])
def test_a_truncated_file_is_refused(share, is_zip, tmp_path):
    path = tmp_path / "truncated.pt"
    torch.save(resnet8(), path, _use_new_zipfile_serialization=is_zip)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    refusal(path)


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04", b"not a checkpoint\n", b"\x89PNG\r\n\x1a\n", b"{}", b"\x80\x02}."]
)
def test_a_file_that_is_no_checkpoint_is_refused(content, tmp_path):
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    refusal(path)


CONTENTS = {
    "a tensor": torch.zeros(3),
    "a list": [torch.zeros(3)],
    "nothing": None,
    "an empty dict": {},
    "numbers": {"epoch": 3, "best_prec1": 91.5},
    "a state dict of numbers": {"state_dict": {"conv1.weight": 3}},
    "a state dict that is a list": {"state_dict": [torch.zeros(3)]},
    "an empty state dict": {"state_dict": {}},
    "tensors of another net": {"0.weight": torch.zeros(3, 3), "0.bias": torch.zeros(3)},
    "tensors under numbers": {0: torch.zeros(3), 1: torch.zeros(3)},
    "a nested state dict": {"model": {"conv1.weight": torch.zeros(16, 3, 3, 3)}},
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_a_file_without_a_state_dict_of_a_resnet_is_refused(content, tmp_path):
    refusal(saved(content, tmp_path / "content.pt"))


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("write", [saved, lambda content, path: path.write_bytes(pickle.dumps(content))])
def test_a_pickle_that_holds_code_is_refused_and_its_code_is_not_run(write, tmp_path):
    sprung, path = tmp_path / "sprung", tmp_path / "trap.pt"
    write({"state_dict": resnet8(), "extra": Trap(sprung)}, path)
    refusal(path)
    assert not sprung.exists()
    pickle.loads(pickle.dumps(Trap(sprung)))
    assert sprung.exists()  # the trap is a real one


def test_a_whole_pickled_model_is_refused(tmp_path):
    refusal(saved(our_net(depth=8)[1], tmp_path / "model.pt"))


@pytest.mark.parametrize("key", [
    "conv1.weight", "bn1.running_var", "fc.weight", "fc.bias", "layer1.0.conv1.weight", "layer1.0.conv2.weight",
    "layer2.0.bn1.running_mean", "layer2.0.downsample.0.weight", "layer2.0.downsample.1.bias", "layer3.0.bn2.weight",
])  # fmt: skip
def test_a_state_dict_without_one_of_its_tensors_is_refused(key, tmp_path):
    state = resnet8()
    del state[key]
    refusal(saved(state, tmp_path / "missing.pt"))


@pytest.mark.parametrize("key", [
    "conv2.weight", "se.fc.weight", "layer1.0.conv3.weight", "layer1.0.bn3.bias", "layer1.1.conv1.weight",
    "layer1.0.downsample.0.weight", "layer4.0.conv1.weight", "layer1.0.shortcut.2.weight",
])  # fmt: skip
def test_a_state_dict_with_one_tensor_more_is_refused(key, tmp_path):
    refusal(saved(resnet8() | {key: torch.zeros(16, 16, 1, 1)}, tmp_path / "extra.pt"))


@pytest.mark.parametrize(("key", "shape"), [
    ("fc.weight", (10, 63)), ("fc.weight", (11, 64)), ("fc.weight", (1, 64)), ("fc.weight", (0, 64)), ("fc.weight", ()),
    ("fc.bias", (11,)), ("conv1.weight", (17, 3, 3, 3)), ("conv1.weight", (16, 1, 3, 3)),
    ("conv1.weight", (16, 3, 5, 5)), ("conv1.weight", ()), ("conv1.weight", (0, 3, 3, 3)),
    ("conv1.weight", (1600, 3, 3, 3)), ("bn1.bias", (8,)), ("layer1.0.conv2.weight", (16,)),
    ("layer1.0.conv2.weight", (16, 0, 3, 3)), ("layer3.0.conv1.weight", (64, 64, 3, 3)),
    ("layer2.0.downsample.0.weight", (32, 16, 3, 3)),
])  # fmt: skip
def test_a_state_dict_with_a_tensor_of_another_shape_is_refused(key, shape, tmp_path):
    refusal(saved(resnet8() | {key: torch.zeros(shape)}, tmp_path / "shape.pt"))


def test_a_depth_that_no_imagenet_net_has_is_refused(tmp_path):
    state = torchvision.models.resnet18(num_classes=2).state_dict()
    short = {key: tensor for key, tensor in state.items() if not key.startswith("layer2.1.")}
    assert "2, 1, 2, 2" in refusal(saved(short, tmp_path / "short.pt"))


# The public checkpoint.


@pytest.fixture
def two_threads():
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(1)


def num_errors(path, data):
    _, model = load_checkpoint(path)
    x, labels = normalised(data, PUBLIC_MEAN, PUBLIC_STD), torch.from_numpy(data.labels)
    with torch.inference_mode():
        predicted = torch.cat([model(batch).argmax(1) for batch in x.split(500)])
    return int((predicted != labels).sum())


def test_public_checkpoint_is_found_to_be_resnet_20_with_option_a(public_checkpoint):
    config, _ = load_checkpoint(public_checkpoint)
    assert config == ModelConfig(depth=20, projection="A", pad="both", block=BlockConfig())


def test_public_checkpoint_makes_86_errors_on_the_1000_images_of_the_sample(public_checkpoint, two_threads):
    data = load_images("sample", "test")
    assert len(data) == 1000
    assert num_errors(public_checkpoint, data) == 86


def test_public_checkpoint_makes_827_errors_on_the_10000_test_images(public_checkpoint, full_cifar10, two_threads):
    assert len(full_cifar10["test"]) == 10000
    assert num_errors(public_checkpoint, full_cifar10["test"]) == 827
