"""A net's units compiled, each into fewer kernels: those of one shape share the code, and the net stays as it is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FunctionType
from typing import Any

import torch

from resnet_lab.blocks import Unit
from resnet_lab.nets import ResNet


class FusedUnits:
    """Compiled when they are first used, by torch's compiler or another backend of its."""

    def __init__(self, backend: str | Callable[..., Any] = "inductor", **options: Any):
        # torch keeps what it compiled by code object, a few kinds of net each: a copy has room, and goes with this one
        forward = FunctionType(Unit.forward.__code__.replace(), Unit.forward.__globals__)
        self.through = torch.compile(forward, dynamic=False, fullgraph=True, backend=backend, options=options or None)

    @contextmanager
    def used_by(self, model: ResNet) -> Iterator[None]:
        """No hook inside a unit is called meanwhile."""
        for unit in model.units:
            vars(unit)["forward"] = partial(self.through, unit)
        try:
            yield
        finally:
            for unit in model.units:
                del vars(unit)["forward"]
