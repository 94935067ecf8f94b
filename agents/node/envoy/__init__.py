"""The Envoy beside the agent: started, watched, restarted, drained, ended, and found again by the next agent.

supervisor        drives it all: processes and what is looked up on one side, life.py on the other; hooks and facts
looking           what the admin interface of the Envoy that runs says, looked up as often as it matters
succession        what it is started with next, and whether that may take over from the one that runs
minding           the same for an Envoy that somebody else runs: readiness, drain, restart; no process is touched
keeping           what the rest of the agent sees of both (shapes)
life              what to do next: crashes, backoff, hangs, hot restarts, drains, falling back (pure)
decisions         what life can decide (shapes)
trial             whether crashes are a new generation's fault (pure)
facts             what others may know of it, how a process ended in words (pure)
admin             a client of Envoy's admin interface: Unix socket or loopback, with a deadline and bounded bodies
wanting           which program and bootstrap it should run with now, and whether Envoy takes them
bootstrap_file    the file that Envoy starts with; overlay: what an operator adds to it (pure)
command           how it is called, and what a command line tells again (pure)
family            all its processes: which epoch each is, and the record of them
child             one Envoy process, a child of ours or not: started, watched, signalled
adoption          the Envoy that an agent before this one left running: by its record, or as /proc shows it
record            that record
processes         what Linux knows of a process
hot_restart       whether a new epoch can take over, and what stands in its way
logs              what Envoy says, in files of bounded size
orphans           what PID 1 owes to processes that are nobody's
"""
