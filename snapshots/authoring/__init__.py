"""Documents -> resources, with the line that every value came from.

files            the I/O edge: directories, files, stdin -> documents
compile          documents -> a checked set of resources (pure), with `cache` for what did not change
contents         one file -> what it holds: `source` is its text, `yaml_tree` reads strict YAML 1.2 into `yaml_nodes`
envelope         apiVersion, kind, metadata, spec; then `workspace` or `envoy_resource` for the spec
gateway          Gateway API objects -> resources and statuses; patches: what EnvoyPatches make of them
provenance       one resource -> the line that each of its values comes from
places           the exact line for what the checks of the whole say
names, limits, printable, yaml_scalars, yaml_syntax     tables
"""
