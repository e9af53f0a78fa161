"""The command line. Nothing else in awbkit imports it."""
