"""Runs a notebook cell by cell, in one process, and keeps what it shows.

`reading.py` reads formats 3 and 4, `shell.py` is the IPython that runs the cells, `record.py` has
their outputs and the files of their pictures, and `running.py` goes through them.
"""
