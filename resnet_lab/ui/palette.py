"""All colours of the lab, each for the light and for the dark theme."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Colour:
    light: str
    dark: str

    @property
    def css(self) -> str:
        """Follows the theme without a rerun."""
        return f"light-dark({self.light}, {self.dark})"

    def of(self, theme: str) -> str:
        return self.dark if theme == "dark" else self.light


# fmt: off
PATH        = Colour("#1668a8", "#6cb4f0")  # the shortcut, on every page
PATH_TINT   = Colour("#e4eff8", "#16304a")
BRANCH      = Colour("#b9540b", "#f0a35e")
BRANCH_TINT = Colour("#fbeee2", "#45290f")
ACCENT      = Colour("#6d3fc0", "#b79cf5")  # what differs, what is chosen
ACCENT_TINT = Colour("#eee8fb", "#33264f")
INK         = Colour("#1d1f24", "#e8e8ea")
FAINT       = Colour("#70757f", "#9aa0ab")
GRID        = Colour("#e3e5e9", "#33373f")
SURFACE     = Colour("#ffffff", "#14161b")
RAISES      = Colour("#b2182b", "#ff8170")  # what speaks for the target of a map: the ends of RdBu, told apart with
LOWERS      = Colour("#2166ac", "#64adff")  # every kind of colour vision; and what speaks against it
# fmt: on

RUNS = (  # told apart with every kind of colour vision, as far as Okabe and Ito's are; 3:1 against the surface
    Colour("#0b4fa0", "#4a8df0"),  # blue
    Colour("#dc4a0a", "#f2703a"),  # vermilion
    Colour("#1f9476", "#56d9ac"),  # green
    Colour("#c267bb", "#c765b6"),  # orchid
    Colour("#6a4a00", "#efd65a"),  # ochre
    Colour("#5e6167", "#a0a2aa"),  # grey
    Colour("#2f98e6", "#a9dcff"),  # sky
    Colour("#8d63ee", "#6f59d6"),  # violet
)
HEAT = "Viridis"  # perceptually uniform, from dark to bright with every kind of colour vision
