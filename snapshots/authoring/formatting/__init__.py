"""How documents look: one layout for all, in which nothing is said differently, and no comment is lost. Pure.

lexemes      a text's tokens, each with the comments and blank lines that stand before it
lines        lines of the new text, and comments that stand in one column
layout       lexemes -> lines: indentation and spaces; lines are neither joined nor split
order        the order of keys of a document: apiVersion, kind, metadata, …
same         whether two texts say the same
formatted    all of these, on one text

Knows YAML and the names of a document's first keys, nothing else of documents.
"""
