"""What a run says about itself: that it broke down, guesses, or no longer moves."""

import math
from dataclasses import dataclass, field

from resnet_lab.run_config import RunConfig

DIVERGED = 2  # times the loss of guessing
HOPELESS = 100
GUESSING = 0.02  # relative distance from it
STILL = 0.01  # relative improvement over a window
MIN_WINDOW = 20  # losses; less is noise
MIN_PATIENCE = 100  # steps


@dataclass
class Watches:
    """Looks at each mean loss as it comes; says everything once."""

    chance: float  # the loss of guessing, ln(number of classes)
    patience: int  # steps before the loss may be judged
    window: int  # losses that are compared with as many before
    losses: list[float] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def look(self, step: int, loss: float) -> list[tuple[str, str]]:
        """(about, words) of everything that is new."""
        self.losses = [*self.losses, loss][-2 * self.window :]
        found = {
            "nan": self.broke_down(step, loss),
            "divergence": self.diverges(step, loss),
            "chance": self.guesses(step, loss),
            "plateau": self.stands_still(step),
        }
        new = [(about, words) for about, words in found.items() if words and about not in self.said]
        self.said += [about for about, _ in new]
        return new

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to train."""
        return bool(self.losses) and not self.losses[-1] < HOPELESS * self.chance

    def broke_down(self, step: int, loss: float) -> str:
        if math.isfinite(loss) and not self.is_over:
            return ""
        value = f"{loss:.3g}" if math.isfinite(loss) else "no longer a number"
        return f"After {step} steps the training loss is {value}: training has broken down, and the run ends here."

    def diverges(self, step: int, loss: float) -> str:
        if not DIVERGED * self.chance < loss < HOPELESS * self.chance:
            return ""
        return f"After {step} steps the training loss, {loss:.2f}, is far above that of guessing, {self.chance:.2f}."

    def guesses(self, step: int, loss: float) -> str:
        if step < self.patience or not is_guess(loss, self.chance):
            return ""
        return f"After {step} steps the training loss, {loss:.2f}, is still that of guessing, {self.chance:.2f}."

    def stands_still(self, step: int) -> str:
        if len(self.losses) < 2 * self.window or step < self.patience:
            return ""
        before, now = (sum(part) / self.window for part in (self.losses[: self.window], self.losses[self.window :]))
        if not abs(before - now) < STILL * before:
            return ""
        return f"After {step} steps the training loss has not moved for a while: {before:.3f} before, {now:.3f} now."


def is_guess(loss: float, chance: float) -> bool:
    return abs(loss / chance - 1) < GUESSING


def watches_for(config: RunConfig) -> Watches:
    """A loss is judged after the warm-up and a tenth of the budget, but not before MIN_PATIENCE steps."""
    recipe, every = config.recipe, config.watch.loss_every
    return Watches(
        chance=math.log(config.model.num_classes),
        patience=recipe.warmup_steps + max(MIN_PATIENCE, recipe.steps // 10),
        window=max(MIN_WINDOW, recipe.steps // every // 10),
    )
