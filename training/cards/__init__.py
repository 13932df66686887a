"""The report card, section by section."""
