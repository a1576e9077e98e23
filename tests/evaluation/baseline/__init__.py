"""How often the baseline gate is right: small trainings with other seeds, and with a regression."""
