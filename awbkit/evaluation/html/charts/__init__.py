"""The charts of an evaluation, each a function from numbers to one SVG element."""
