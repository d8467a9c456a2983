"""The generated file: it needs nothing but torch, and it is the net."""

import ast
import itertools
import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import torch

from resnet_lab import BlockConfig, ModelConfig, build_model, generate_code
from resnet_lab.ops import OPS
from resnet_lab.placements import PLACEMENTS
from resnet_lab.shortcuts import SHORTCUTS

pytestmark = pytest.mark.usefixtures("one_thread")


def net(**fields):
    return fields


ROOT = Path(__file__).parent.parent
# fmt: off
NETS = {
    "basic A":       net(depth=14, width=0.5),
    "basic A end":   net(depth=14, pad="end", width=0.5),
    "basic B":       net(depth=14, projection="B", width=0.5),
    "basic C":       net(depth=14, projection="C", width=0.5),
    "bottleneck B":  net(depth=20, unit="bottleneck", projection="B"),
    "ImageNet 18":   net(family="imagenet", depth=18, projection="B", num_classes=100, width=0.125),
    "ImageNet 50":   net(family="imagenet", depth=50, unit="bottleneck", projection="B", width=0.125),
}
OPTIONS = {
    "one unit a stage":   net(depth=8),
    "groups":             net(depth=20, unit="bottleneck", groups=4),
    "group width":        net(depth=20, unit="bottleneck", groups=4, group_width=8, projection="B"),
    "wide bottleneck":    net(depth=20, unit="bottleneck", group_width=32),
    "narrow":             net(width=0.5),
    "he_fan_in":          net(init="he_fan_in"),
    "branch dropout":     net(block=net(branch_dropout=0.3)),
    "stochastic depth":   net(stochastic_depth=0.5),
    "an odd drop rate":   net(stochastic_depth=0.123456789),
    "skipinit":           net(skipinit=True),
    "skipinit, full_preact": net(skipinit=True, block=net(placement="full_preact")),
    "zero_gamma":         net(zero_gamma=True),
    "zero_gamma, bottleneck": net(zero_gamma=True, depth=20, unit="bottleneck", projection="B"),
    "all at once":        net(stochastic_depth=0.5, skipinit=True,
                               block=net(placement="relu_only_preact", shortcut="dropout", branch_dropout=0.2)),
    "zero_gamma of GN":   net(zero_gamma=True, block=net(post="silu gn")),
    "GN everywhere":      net(block=net(pre="gn silu", post="gn", after="gn elu")),
    "ops twice":          net(block=net(pre="bn relu bn relu", after="relu bn relu bn")),
    "nothing but convolutions": net(block=net(pre="", post="", after="")),
    "odd arguments":      net(block=net(shortcut="constant_scaling",
                                          shortcut_args={"scale": -0.123456789, "branch_scale": 1e-7})),
    "an open gate":       net(block=net(shortcut="exclusive_gating", shortcut_args={"gate_bias": 0.25})),
    "large stem":         net(depth=8, stem="large"),
    "large stem, full_preact": net(depth=8, stem="large", block=net(placement="full_preact")),
    "ImageNet, small stem": net(family="imagenet", depth=18, stem="small", width=0.125),
    "many classes":       net(num_classes=100),
}
# fmt: on


def configs():
    """Every variant in every kind of net, and every option once."""
    for (name, fields), placement, shortcut in itertools.product(NETS.items(), PLACEMENTS, SHORTCUTS):
        block = BlockConfig(placement=placement, shortcut=shortcut)
        yield pytest.param(ModelConfig(block=block, **fields), id=f"{name}, {block.title}")
    for name, fields in OPTIONS.items():
        yield pytest.param(ModelConfig(**{"depth": 14} | fields), id=name)
    for op in OPS:
        yield pytest.param(ModelConfig(depth=8, block=BlockConfig(pre=op, post=op, after=op)), id=f"{op} in each slot")


CONFIGS = list(configs())


code_of = cache(generate_code)


def both(config):
    """Our net and the generated one, drawn from the same seed."""
    namespace = {"__name__": "generated"}
    exec(compile(code_of(config), "generated.py", "exec"), namespace)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        ours = build_model(config)
        torch.manual_seed(0)
        return ours, namespace["ResNet"]()


def images(config):
    side = 32 if config.has_large_stem else 8
    return torch.randn(4, 3, side, side, generator=torch.Generator().manual_seed(1))


def run(model, x):
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(2)
        return model(x)


def perturb(model):
    """Weights that are no longer those of the start, so that no two layers can be confused."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn(parameter.shape, generator=generator)


@pytest.mark.parametrize("config", CONFIGS)
def test_the_generated_net_starts_and_computes_as_the_net_does(config):
    ours, generated = both(config)
    mine, theirs = ours.state_dict(), generated.state_dict()
    assert [(name, value.shape) for name, value in theirs.items()] == [(n, value.shape) for n, value in mine.items()]
    assert [name for name in mine if not torch.equal(mine[name], theirs[name])] == []
    perturb(ours)
    generated.load_state_dict(ours.state_dict())
    x = images(config)
    torch.testing.assert_close(run(generated.train(), x), run(ours.train(), x), rtol=0, atol=0)
    torch.testing.assert_close(run(generated.eval(), x), run(ours.eval(), x), rtol=0, atol=0)


@pytest.mark.parametrize("config", CONFIGS)
def test_the_generated_text_stands_alone_and_is_python_3_11(config):
    code = code_of(config)
    tree = ast.parse(code, feature_version=(3, 11))
    modules = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert modules <= {"math", "collections", "torch", "torch.nn"}
    assert "resnet_lab" not in code
    assert config.block.title in ast.get_docstring(tree)
    assert code.endswith("\n")


@pytest.mark.parametrize("config", CONFIGS)
def test_every_class_and_function_of_the_generated_text_is_used(config):
    code = code_of(config)
    for name in re.findall(r"^(?:class|def) (\w+)", code, flags=re.MULTILINE):
        assert name == "ResNet" or len(re.findall(rf"\b{name}\(", code)) > 1, name


def test_the_same_configuration_has_the_same_text():
    for parameters in CONFIGS[::20]:
        (config,) = parameters.values
        assert generate_code(ModelConfig.from_json(config.to_json())) == code_of(config)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """All generated files in one folder."""
    folder = tmp_path_factory.mktemp("generated")
    for i, parameters in enumerate(CONFIGS):
        (folder / f"net_{i}.py").write_text(code_of(*parameters.values))
    return folder


def ruff(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "ruff", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_the_generated_files_are_clean_by_the_project_s_own_rules(written):
    found = ruff("check", "--config", "pyproject.toml", "--no-cache", "--output-format", "concise", str(written))
    assert found.returncode == 0, found.stdout[:2000] + found.stderr


def test_the_generated_files_are_formatted_as_the_project_is(written):
    found = ruff("format", "--config", "pyproject.toml", "--no-cache", "--diff", str(written))
    assert found.returncode == 0, found.stdout[:2000] + found.stderr


ALONE = """
import importlib.util, json, sys, torch
assert importlib.util.find_spec("resnet_lab") is None
sys.path.insert(0, sys.argv[1])
torch.manual_seed(0)
counts = []
for i in map(int, sys.argv[2:]):
    model = __import__(f"net_{i}").ResNet()
    model.train()(torch.randn(2, 3, 64, 64)).sum().backward()
    counts.append(sum(parameter.numel() for parameter in model.parameters()))
assert not any("resnet_lab" in name for name in sys.modules)
print(json.dumps(counts))
"""


def test_the_generated_files_run_and_train_where_the_lab_is_not_installed(written):
    chosen = range(0, len(CONFIGS), 9)
    found = subprocess.run(
        [sys.executable, "-I", "-c", ALONE, str(written), *map(str, chosen)],
        cwd=written,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    parameters = [sum(p.numel() for p in build_model(*CONFIGS[i].values).parameters()) for i in chosen]
    assert json.loads(found.stdout) == parameters
