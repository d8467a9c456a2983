"""The blocks that the papers name, as cards to start from."""

from dataclasses import dataclass

from resnet_lab.block_config import BlockConfig
from resnet_lab.placements import PLACEMENTS
from resnet_lab.shortcuts import SHORTCUTS


@dataclass(frozen=True)
class Card:
    name: str
    block: BlockConfig


SHORTCUT_CARDS = {key: Card(shortcut.name, BlockConfig(shortcut=key)) for key, shortcut in SHORTCUTS.items()}
PLACEMENT_CARDS = {key: Card(placement.name, BlockConfig(placement=key)) for key, placement in PLACEMENTS.items()}
CARDS = {**SHORTCUT_CARDS, **PLACEMENT_CARDS}


def name_block(block: BlockConfig) -> str:
    """The papers' names where the block has any, else its placement and shortcut."""
    return " = ".join(card.name for card in CARDS.values() if card.block == block) or block.title
