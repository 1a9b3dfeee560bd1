"""``python -m facediff`` is the command ``facediff``."""

from facediff.cli import main

if __name__ == "__main__":
    main()
