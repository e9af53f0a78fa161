"""Networks for devices, one target a package."""
