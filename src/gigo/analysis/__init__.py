"""Records become a tidy table, the table becomes estimates with intervals, and those words.

table ──► estimates (intervals) ──► findings, words
  └─────► comparison: with another run, with published points (points, article), or within the run
"""
