"""The two papers on trial: their tables and claims beside what runs of this lab have measured."""
