"""EnvoyPatch: what its author wants changed in what is generated. The stage after build and before check. Pure.

stage            all patches in their order: resources in; patched resources, complaints and statuses out
targets          the authored object of a patch -> the resources that hold its part; sections: listeners' share of it
parts            the table of parts: which kinds have which, and where in a resource each is
merging          RFC 7386; operations: RFC 6902; pointers: RFC 6901, and items of a list by a field of theirs
shapes           which message a piece of JSON is, so that field names are taken in both forms
results          JSON back to a resource, by the reader's and Envoy's own rules
writes           what a patch wrote, from which line: for complaints, overlaps and provenance
statuses         what each patch is told
memory           what need not be done again

Patches work on Envoy's JSON form, in which an Any is open. Each is done in all places, or in none of them.
"""
