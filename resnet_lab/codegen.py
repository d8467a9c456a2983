"""A net as one readable PyTorch file that needs nothing but torch."""

import inspect
import textwrap

from resnet_lab.blocks import Unit, UnitPlan, UnitShape, plan_unit
from resnet_lab.calls import Call
from resnet_lab.differences import formula, shortcut_words
from resnet_lab.model_config import ModelConfig
from resnet_lab.nets import FANS, ResNet, final_calls, short_net, stage_widths, stem_calls, unit_shapes
from resnet_lab.shortcuts import Plain

INDENT = " " * 8


def generate_code(config: ModelConfig) -> str:
    """Its ResNet() has the state dict of build_model(config), name by name."""
    plan = plan_unit(config)
    classes = own_classes(config)
    parts = [heading(config, classes), *classes, unit_class(config, plan), stage_function(config), net_class(config)]
    return "\n\n\n".join(parts) + "\n"


def heading(config: ModelConfig, classes: list[str]) -> str:
    source = "\n".join(classes)
    torch_imports = {
        "import torch": "torch." in source,
        "from torch import nn": True,
        "from torch.nn import functional": "functional." in source,
    }
    lines = ["import math"] if "math." in source else []
    lines += ["from collections import OrderedDict", ""]
    lines += [line for line, is_used in torch_imports.items() if is_used]
    words = textwrap.fill(f"{shortcut_words(config.block)}.", 100)
    return f'"""{config.title}. {config.block.title}.\n\n{words}\n"""\n\n' + "\n".join(lines)


def own_classes(config: ModelConfig) -> list[str]:
    """The source of the small layers that torch does not have, parts before wholes."""
    types = {type(module): None for module in short_net(config).modules()}
    written = (Unit, ResNet, Plain)
    own = [kind for kind in types if kind.__module__.startswith("resnet_lab.") and kind not in written]
    return [inspect.getsource(kind).rstrip() for kind in reversed(own)]


def unit_class(config: ModelConfig, plan: UnitPlan) -> str:
    promise = (
        f'    """Adds up {formula(config.block)}, f = branch."""'
        if not config.block.is_plain
        else '    """No shortcut."""'
    )
    lines = ["class Unit(nn.Module):", promise, "", *unit_init(config, plan), "", *unit_forward(config, plan)]
    return "\n".join(lines)


def unit_init(config: ModelConfig, plan: UnitPlan) -> list[str]:
    lines = [f"    def __init__(self, {', '.join(unit_parameters(config))}):", f"{INDENT}super().__init__()"]
    if "is_first" in unit_parameters(config):
        lines += [f"{INDENT}self.is_first = is_first  # of its stage"]
    if plan.pre:
        lines += sequential("pre", plan.pre)
    lines += sequential("branch", plan.branch)
    if plan.match and config.projection == "C":
        lines += sequential("match", plan.match)
    elif plan.match:
        lines += [f"{INDENT}self.match = nn.Sequential()"]
        lines += [f"{INDENT}if stride != 1 or in_channels != channels:"]
        lines += [f"    {line}" for line in sequential("match", plan.match)]
    if not config.block.is_plain:
        lines += [f"{INDENT}self.shortcut = {plan.shortcut.code()}"]
    if plan.after:
        lines += sequential("after", plan.after)
    if config.zero_gamma:
        lines += [f"{INDENT}nn.init.zeros_(self.branch.{plan.last_norm}.weight)"]
    return lines


def unit_forward(config: ModelConfig, plan: UnitPlan) -> list[str]:
    lines, s, p = ["    def forward(self, x):"], "x", "x"
    if plan.pre:
        lines += [f"{INDENT}p = self.pre(x)"]
        p = "p"
        s = "p"
    if "is_first" in unit_parameters(config):
        lines += [f"{INDENT}s = p if self.is_first else x"]
        s = "s"
    total = f"self.branch({p})"
    if not config.block.is_plain:
        total = f"self.shortcut(self.match({s}), {total})"
    return [*lines, f"{INDENT}return {f'self.after({total})' if plan.after else total}"]


def stage_function(config: ModelConfig) -> str:
    """Sizes of the first unit, then of the others."""
    sizes = unit_parameters(config)
    same = [{"in_channels": "channels", "stride": "1", "is_first": "False"}.get(size, size) for size in sizes]
    first = [{"is_first": "True"}.get(size, size) for size in sizes]
    parameters = [size for size in sizes if size not in ("is_first", "drop")]
    if config.stochastic_depth:
        rate = f"{config.stochastic_depth!r} * (start + {{}}) / {sum(config.units_per_stage)}"
        first, same = (
            [value if value != "drop" else rate.format(n) for value in values]
            for values, n in ((first, "1"), (same, "i + 1"))
        )
        parameters = ["start", *parameters]
    i = "i" if config.stochastic_depth else "_"
    return "\n".join(
        [
            f"def stage(num_units, {', '.join(parameters)}):",
            f"    units = [Unit({', '.join(first)})]",
            f"    units += [Unit({', '.join(same)}) for {i} in range(1, num_units)]",
            "    return nn.Sequential(*units)",
        ]
    )


def net_class(config: ModelConfig) -> str:
    shapes = unit_shapes(config)
    sizes = {"in_channels": stage_widths(config)[0], "channels": shapes[-1].channels}
    final = {name: call.bind(**sizes) for name, call in final_calls(config).items()}
    lines = [
        "class ResNet(nn.Module):",
        f"    def __init__(self, num_classes={config.num_classes}):",
        f"{INDENT}super().__init__()",
        *sequential("stem", {name: call.bind(**sizes) for name, call in stem_calls(config).items()}),
        f"{INDENT}self.stages = nn.Sequential(",
        *[f"{INDENT}    {stage_call(config, shape)}," for shape in shapes if shape.index == 0],
        f"{INDENT})",
        *(sequential("final", final) if final else []),
        f"{INDENT}self.pool = nn.AdaptiveAvgPool2d(1)",
        f"{INDENT}self.head = nn.Linear({shapes[-1].channels}, num_classes)",
        *initialisation(config),
        "",
        "    def forward(self, x):",
        f"{INDENT}x = self.stages(self.stem(x))",
        *([f"{INDENT}x = self.final(x)"] if final else []),
        f"{INDENT}return self.head(self.pool(x).flatten(1))",
    ]
    return "\n".join(lines)


def stage_call(config: ModelConfig, shape: UnitShape) -> str:
    counts = config.units_per_stage
    sizes = [str(counts[shape.stage])]
    if config.stochastic_depth:
        sizes += [f"start={sum(counts[: shape.stage])}"]
    names = [name for name in unit_parameters(config) if name not in ("is_first", "drop")]
    return f"stage({', '.join(sizes + [f'{name}={getattr(shape, name)}' for name in names])})"


def initialisation(config: ModelConfig) -> list[str]:
    mode = FANS[config.init]
    return [
        f"{INDENT}for module in self.modules():",
        f"{INDENT}    if isinstance(module, nn.Conv2d):",
        f'{INDENT}        nn.init.kaiming_normal_(module.weight, mode="{mode}", nonlinearity="relu")',
        f"{INDENT}nn.init.zeros_(self.head.bias)",
    ]


def unit_parameters(config: ModelConfig) -> list[str]:
    """in_channels, channels, stride, and what else this net's units need to know."""
    needed = {
        "inner": config.unit == "bottleneck",
        "is_first": config.block.is_preactivated and not config.block.is_plain and config.projection != "C",
        "drop": config.stochastic_depth > 0,
    }
    names = ["in_channels", "inner", "channels", "stride", "is_first", "drop"]
    return [name for name in names if needed.get(name, True)]


def sequential(name: str, calls: dict[str, Call]) -> list[str]:
    return [
        f"{INDENT}self.{name} = nn.Sequential(",
        f"{INDENT}    OrderedDict(",
        *[f"{INDENT}        {key}={call.code()}," for key, call in calls.items()],
        f"{INDENT}    )",
        f"{INDENT})",
    ]
