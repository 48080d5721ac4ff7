"""Runs the programs and notebooks of Caffe's years unchanged: `python -m caffe_compat PROGRAM`.

Whatever acts here acts in the process of such a program, and in those that it starts: Python 2 is
translated (`python2/`), old names of libraries answer (`shims/`), a Caffe's folders are where the
program looks for them (`caffe_tree.py`), and notebooks run cell by cell (`notebook/`).
"""
