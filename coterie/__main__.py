"""`python -m coterie`: the command line without its script."""

from coterie import main

main(prog_name="coterie")
