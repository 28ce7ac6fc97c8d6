"""Run the command line: `python -m net4moe`."""

from net4moe.cli import main

if __name__ == "__main__":
    main()
