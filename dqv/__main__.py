"""`python -m dqv`."""

from dqv.cli import main

if __name__ == "__main__":
    main()
