"""Pictures before and after their correction, on one page."""
