"""What was done to data: corrupted ones with an account of each edit, and what differs in two sets.

steps        the edits of a corruption, made to a whole training set
account      a row per edit, and which classes became which
arrays       data of a Python program, corrupted: `gigo.corrupt`
files        data in files, corrupted and written in the format that they came in
compared     two data sets side by side, whoever changed one into the other
wrong_items  which items of the trials of a run were wrong
"""
