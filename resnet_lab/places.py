"""How many runs are trained at once: as many as the device bears, or as many as the user says."""

from pathlib import Path

from resnet_lab.files import replacing

ON_CPU = 3  # of one thread each, however few the cores: these share them well, and can be compared early
ON_GPU = 4  # on streams of one process, until it was measured how many are best
MOST = 12  # connections to the store, and streams of a GPU, are enough for more
FILE = "at_once"  # in the home: what the user says
MEASURED = "at_once_on_gpu"  # in the home: what was found best on its GPU, for those who must not ask the GPU its name


def chosen_places(home: Path) -> int | None:
    """What the user says; None: as many as the device bears."""
    return read(home / FILE)


def choose_places(home: Path, number: int | None) -> None:
    """From the next look at the queue on; what is being trained goes on."""
    if number is not None and not 1 <= number <= MOST:
        raise ValueError(f"The number of runs at once must be from 1 to {MOST}, but is {number}.")
    write(home / FILE, number)


def places_on_gpu(home: Path) -> int:
    return read(home / MEASURED) or ON_GPU


def note_places_on_gpu(home: Path, number: int | None) -> None:
    """None: it could not be measured."""
    write(home / MEASURED, number)


def num_places(home: Path, device: str, cores: int) -> int:
    return chosen_places(home) or {"cpu": max(ON_CPU, cores), "cuda": places_on_gpu(home)}[device]


def read(path: Path) -> int | None:
    text = path.read_text().strip() if path.is_file() else ""
    return int(text) if text.isdecimal() and 1 <= int(text) <= MOST else None


def write(path: Path, number: int | None) -> None:
    if number is None:
        path.unlink(missing_ok=True)
        return
    with replacing(path) as file:
        file.write(f"{number}\n".encode())
