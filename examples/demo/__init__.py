"""The demo: one change from a file through etcd to a real Envoy and back, under live traffic.

__main__.py  the story, step by step
envoy.py     one real Envoy that takes its configuration from Fairlead
traffic.py   two upstreams that say their colour, and a client that never stops asking
"""
