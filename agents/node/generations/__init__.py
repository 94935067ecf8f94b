"""The last known good on disk: several generations of what Envoy took and stayed healthy with.

A map:
`generation` the shapes: what is kept, and what is known of a generation without reading all of it.
`baking` when a generation is written, and when it becomes good or is rejected. Pure: no clock, no file.
`store` the facade: the directory of generations, of which only whole and verified ones are ever used.
`file_form` the form of a file, `packing` and `unpacking` from and to what is held; `file_names` what a name says.
`reading` opens what can be trusted, and nothing else; `tending` what is surplus; `problems` what all of them raise.
`secrecy` which resources hold secrets; `vault` seals them under a key from a file.
`floor` the highest revision that was taken, so that nobody is led back; `digested` the form of such small files.
`pin` what holds a gateway to its last good content, and until when. Pure. `pin_file` keeps that.
`inspection` the same directory for people, without a running agent.

Everything here but `baking` and `pin` blocks on files: whoever runs an event loop calls it in a thread.
"""
