"""A real Envoy tastes a candidate before any gateway is served it: started for that, served it, and ended again.

program      which Envoy program; what it is called with
candidate    the candidate as it is served here: nothing binds an address, connects elsewhere or writes a file (pure)
served       an xDS server of its own for one Envoy, on a Unix socket; what that took and what it refused
running      the process: starts, says when it has loaded everything, ends with its parent
words        Envoy's words -> which resources they are about (pure)
diagnosis    where in a resource the reason stands (pure)
tasting      all of it, in order: the concerns that Envoy has; findings: the same in documents
at_publish   a server that tastes all that it is to store

What it cannot tell: whether a gateway may bind its addresses and has the files that are named, and what traffic does.
"""
