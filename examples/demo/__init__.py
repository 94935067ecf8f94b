"""The demos, each a story told step by step under live traffic, with real parts.

__main__.py    `make demo`: one change from a file through etcd to a real Envoy and back
gitops.py      `make demo-gitops`: what is pushed to a repository reaches a real Envoy
agent.py       `make demo-agent`: gateways outlive every server and etcd

envoy.py       one real Envoy that takes its configuration from Fairlead
gateway.py     `fairlead agent` and the Envoy that it runs
repository.py  a git repository, and a server for it
processes.py   a process with its log, ended or killed by its process id
traffic.py     two upstreams that say their colour, and a client that never stops asking
"""
