"""The command `jtl`. Needs the extra `analysis`."""
