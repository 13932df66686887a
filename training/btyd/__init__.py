"""Buy till you die: the structural models of repeat orders and of what they bring."""
