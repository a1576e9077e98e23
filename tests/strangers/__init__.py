"""Logs of trainings whose authors had not seen the tool, and what is known of each."""
