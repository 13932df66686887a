"""How well it was said: pure functions of what happened and what was said beforehand."""
