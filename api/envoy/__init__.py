"""The Envoy API: its types in a private pool, its JSON form, the rules that it declares, and who refers to whom.

build            makes `descriptors.binpb` while Fairlead is built
registry         the one owner of the descriptor pool (descriptor_sets, files_on_demand, type_names)
problem          what is wrong with a message, and where in it
messages         walking messages, through Any
json_form        to and from Envoy's JSON form (json_reader, json_scalars, json_times, json_writer)
deterministic    the same bytes for the same message, always
rules            the field rules that Envoy's API declares: rule_options reads them, rule_fields compiles them,
                 rule_checks, rule_strings, rule_formats and rule_patterns check values
resources        names of resources, and what they refer to (reference_fields)
"""
