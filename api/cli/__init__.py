"""The `fairlead` command: thin; it parses, calls and prints.

main         the entry: one application, one place that turns an error into an exit code
table        every command with its module, its help and the options it shares; a module is imported when it is run
shared       options that several commands have, and what they come to (`Invocation`)
contexts     the servers that a person names, in one TOML file
connect      one command against one server: address, TLS, deadline, Ctrl-C
local        documents on disk, compiled without a server
output       tables, JSON, YAML, names on standard output
terminal     colours, live lines, questions, and text of others made safe to print
findings     what is wrong, with the line it is wrong in
reports      findings for CI: GitHub's annotations, SARIF
descriptions a kind or a field, in words
starting     the documents to begin with
new_files, replacing             files written where there were none; a file's content replaced, or left
changes      what changed, field by field
following    a revision on its way to the nodes
commands/    one module a command
"""
