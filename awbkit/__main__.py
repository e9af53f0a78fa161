"""`python -m awbkit`."""

from awbkit.cli.main import main

if __name__ == "__main__":
    main()
