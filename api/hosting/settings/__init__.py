"""Settings of a process: one frozen object, written as flags, environment variables and TOML from one table.

table      what a setting is, and the rules between settings     kinds   how a value is read
sources    flags over environment over file over default; every mistake with its place
document   the tables of a page about them                       codes   what its findings are called

Which settings there are is not known here.
"""
