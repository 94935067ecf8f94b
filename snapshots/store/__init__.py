"""The store. `protocol` has the nouns and the Protocol; `memory` and `etcd_store` implement it.

Both share a pure core: `codec` (bytes and digests), `forms` (values as bytes), `tree` (manifest, buckets, entries),
`compose` (a workspace's publication into its group), `draft` (the next revision), `records` (JSON, audit chain),
`refusals` (errors in words). `keys` is the layout in etcd; `etcd/` is the client and the embedded etcd.
"""
