"""Run the command line as `python -m region4d`."""

from region4d.cli import main

main()
