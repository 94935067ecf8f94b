"""etcd: the client on our own stubs (rpc.proto), and the embedded etcd for one machine."""
