"""ResNet Lab: take a residual block apart, train it, and see what changes."""

from resnet_lab.block_config import BlockConfig
from resnet_lab.checkpoints import load_checkpoint
from resnet_lab.codegen import generate_code
from resnet_lab.costs import cost
from resnet_lab.differences import describe_difference
from resnet_lab.model_config import ModelConfig
from resnet_lab.nets import build_model
from resnet_lab.presets import preset
from resnet_lab.run_config import DataConfig, RecipeConfig, RunConfig, WatchConfig
from resnet_lab.signals import signal
from resnet_lab.trainer import Trainer

__all__ = [
    "BlockConfig",
    "DataConfig",
    "ModelConfig",
    "RecipeConfig",
    "RunConfig",
    "Trainer",
    "WatchConfig",
    "build_model",
    "cost",
    "describe_difference",
    "generate_code",
    "load_checkpoint",
    "preset",
    "signal",
]
