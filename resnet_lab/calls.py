"""A module to be: built with numbers, printed with names."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

from torch import nn


class Call:
    """Call(nn.BatchNorm2d, "channels") builds with channels=16 and prints as nn.BatchNorm2d(channels)."""

    def __init__(self, module: type[nn.Module], *args: Any, **kwargs: Any):
        self.module, self.args, self.kwargs = module, args, kwargs

    def build(self, **sizes: Any) -> nn.Module:
        args = [resolve(value, sizes) for value in self.args]
        return self.module(*args, **{name: resolve(value, sizes) for name, value in self.kwargs.items()})

    def bind(self, **values: Any) -> "Call":
        """The same call with some of its names replaced by values."""
        args = [values.get(value, value) if isinstance(value, str) else value for value in self.args]
        kwargs = {k: values.get(v, v) if isinstance(v, str) else v for k, v in self.kwargs.items()}
        return Call(self.module, *args, **kwargs)

    def code(self) -> str:
        positional = [str(value) for value in self.args]
        keywords = [f"{name}={value}" for name, value in self.kwargs.items()]
        name = self.module.__name__
        prefix = "nn." if getattr(nn, name, None) is self.module else ""
        return f"{prefix}{name}({', '.join(positional + keywords)})"


def resolve(value: Any, sizes: dict[str, Any]) -> Any:
    return sizes[value] if isinstance(value, str) else value


def numbered(calls: Iterable[tuple[str, Call]]) -> dict[str, Call]:
    """conv bn relu conv bn -> conv1 bn1 relu1 conv2 bn2, the names in the state dict."""
    names: dict[str, Call] = {}
    counts: dict[str, int] = {}
    for kind, call in calls:
        counts[kind] = counts.get(kind, 0) + 1
        names[f"{kind}{counts[kind]}"] = call
    return names


def sequence(calls: dict[str, Call], **sizes: Any) -> nn.Sequential:
    return nn.Sequential(OrderedDict((name, call.build(**sizes)) for name, call in calls.items()))
