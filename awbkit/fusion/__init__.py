"""Many lights made into one."""
