"""The command `quota`: files and environments in, a report out."""
