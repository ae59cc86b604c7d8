"""`python -m reports`: the command line without an installed script."""

from reports.cli import main

main()
