"""`awbkit` and `python -m awbkit`."""

import gc
import sys

from awbkit.version import VERSION
from awbkit.work.interrupts import EndingSignal, end_like_ctrl_c

_OBJECTS_TO_COLLECT_AT = 10_000
"""New objects after which Python searches for cycles of them: 700 by default."""


def run() -> None:
    """Run the command line and exit; by a signal's own code even while the command is still being loaded."""
    # Imports make a hundred thousand objects, and nearly all of them stay.
    gc.set_threshold(_OBJECTS_TO_COLLECT_AT)
    try:
        end_like_ctrl_c()
        if sys.argv[1:] == ["--version"] and _print_version():
            return
        from awbkit.cli.main import main
    except ModuleNotFoundError as error:
        # A checkout runs without being installed, but not without what it needs.
        sys.exit(f"awbkit: {error.name} is not installed; pip install . brings all that awbkit needs")
    except EndingSignal as ending:
        sys.exit(128 + ending.number)
    except KeyboardInterrupt:
        sys.exit(130)
    try:
        main()
    finally:
        # What is left has nothing to finalise; without this, the end searches all of it for cycles, twice.
        gc.freeze()


def _print_version() -> bool:
    """Print the version without the parser, which takes four times as long to load. An error is left to the parser."""
    try:
        print(f"awbkit {VERSION}", flush=True)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    run()
