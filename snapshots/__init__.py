"""What is served.

authoring   documents -> resources, with the line every resource came from
checks      pure checks over compiled resources: references, duplicates, sizes
store       the snapshot store: protocol, in-memory and etcd; manifests, buckets, keys
"""
