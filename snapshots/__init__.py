"""What is served.

authoring   documents -> resources, with the line every resource came from
checks      pure checks over compiled resources: references, duplicates, sizes
effects     what a change does to an Envoy that runs: whose connections are cut, which clusters warm
store       the snapshot store: protocol, in-memory and etcd; manifests, buckets, keys
"""
