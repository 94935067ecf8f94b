"""Documents -> resources, with the line that every value came from.

files            the I/O edge: directories, files, stdin -> documents
compile          documents -> a checked set of resources (pure), on top of `kept_workspace`, what they came to before:
                 kept_files, object_compilation, sheet (cells that know what they were made from), ordered, places
contents         one file -> what it holds: `source` is its text, `yaml_tree` reads strict YAML 1.2 into `yaml_nodes`
envelope         apiVersion, kind, metadata, spec; then `workspace` or `envoy_resource` for the spec
gateway          Gateway API objects -> resources and statuses; patches: what EnvoyPatches make of them
provenance       one resource -> the line that each of its values comes from
places           the exact line for what the checks of the whole say; kept_workspaces: a server keeps several
names, limits, printable, yaml_scalars, yaml_syntax     tables
"""
