"""How many runs are trained at once: as many as the device bears, or as many as the user says."""

from pathlib import Path

from resnet_lab.files import replacing

ON_CPU = 3  # of one thread each, however few the cores: these share them well, and can be compared early
ON_GPU = 4  # on streams of one process
MOST = 12  # connections to the store, and streams of a GPU, are enough for more
FILE = "at_once"  # in the home: what the user says


def chosen_places(home: Path) -> int | None:
    """What the user says; None: as many as the device bears."""
    path = home / FILE
    text = path.read_text().strip() if path.is_file() else ""
    return int(text) if text.isdecimal() and 1 <= int(text) <= MOST else None


def choose_places(home: Path, number: int | None) -> None:
    """From the next look at the queue on; what is being trained goes on."""
    if number is None:
        (home / FILE).unlink(missing_ok=True)
        return
    if not 1 <= number <= MOST:
        raise ValueError(f"The number of runs at once must be from 1 to {MOST}, but is {number}.")
    with replacing(home / FILE) as file:
        file.write(f"{number}\n".encode())


def num_places(home: Path, device: str, cores: int) -> int:
    return chosen_places(home) or {"cpu": max(ON_CPU, cores), "cuda": ON_GPU}[device]
