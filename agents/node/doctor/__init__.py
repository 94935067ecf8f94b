"""`fairlead agent doctor`: is this gateway's machine as the agent needs it, and if not, what to do.

It changes nothing, and can be asked while an agent runs. No check raises for what it finds.

examination    all checks, in order, and what their outcome comes to
machine        file descriptors, shared memory, ports
state          the state directory: whose it is, whether the disk takes what is written
last_good      what a start would begin with while nobody else answers
certificate    what this node shows to servers
envoy          the Envoy that would be run, and the admin interface of the one that does
upstream       every server and relay: reached, trusted, ready, and whether it knows this node
probing        one question to one of them
running        the agent that runs here, as it says itself
"""
