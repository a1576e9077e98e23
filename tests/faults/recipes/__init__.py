"""One file = the recipes of one group of mechanisms."""
