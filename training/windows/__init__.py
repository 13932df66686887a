"""Time as training sees it: which windows there are, how long, and what of them was seen."""
