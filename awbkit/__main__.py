"""`python -m awbkit`."""

import sys

try:
    from awbkit.cli.main import main
except ModuleNotFoundError as error:
    # A checkout runs without being installed, but not without what it needs.
    sys.exit(f"awbkit: {error.name} is not installed; pip install . brings all that awbkit needs")

if __name__ == "__main__":
    main()
