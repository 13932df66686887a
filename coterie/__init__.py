"""The front door: `coterie`, one command line over features, training and serving."""

from coterie.commands import main

__all__ = ["main"]
