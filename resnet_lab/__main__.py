"""python -m resnet_lab: the lab without a browser."""

import argparse
import os
import sys
from importlib import import_module

from resnet_lab.files import StorageError, sentence

COMMANDS = {
    "train": "train runs and watch them, or put them in the queue",
    "runs": "the table of all runs, and what can be done with them",
    "show": "one run: what it is and how it went",
    "compare": "runs side by side, seeds of one configuration together",
    "export": "write runs to a file: CSV, Parquet, JSON or a capsule",
    "import": "take in the runs of a capsule",
    "data": "the data sets: what is here, download, import, verify",
    "worker": "the queue: what runs, pause, resume, stop, change the order",
    "doctor": "say what is wrong with the installation, the data, the store and the device",
    "bench": "measure this machine",
}
STATUSES = """exit status: 0 as asked; 1 a run failed or was stopped, or something was found wrong;
2 a wrong value or argument; 3 the store, a file or the disk failed; 130 interrupted, with nothing lost."""
WRONG_VALUE, OUT_OF_REACH = 2, 3
INTERRUPTED, BROKEN_PIPE = 130, 141  # as a shell reports a program that SIGINT or SIGPIPE ended


def main(arguments: list[str]) -> int:
    """Imports only the command that is asked for."""
    parser = argparse.ArgumentParser(prog="python -m resnet_lab", description=__doc__, epilog=STATUSES)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, words in COMMANDS.items():
        command = commands.add_parser(
            name, help=words, description=f"{words[0].upper()}{words[1:]}.", allow_abbrev=False
        )
        if name in arguments[:1]:
            module = import_module(f"resnet_lab.commands.{name if name != 'import' else 'import_'}")
            module.add_options(command)
            command.set_defaults(run_command=module.run)
    options = parser.parse_args(arguments)
    try:
        status: int = options.run_command(options)
        sys.stdout.flush()
    except (BrokenPipeError, SystemExit):  # Rich makes the second of the first
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left to flush has nowhere to go
        return BROKEN_PIPE
    except (StorageError, OSError) as error:
        print(sentence(error), file=sys.stderr)
        return OUT_OF_REACH
    except ValueError as error:
        print(error, file=sys.stderr)
        return WRONG_VALUE
    except KeyboardInterrupt:
        return INTERRUPTED
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
