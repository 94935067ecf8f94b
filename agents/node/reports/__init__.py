"""Health and truth: what the agent tells the control plane of its node, and what operators may ask of it.

A report is advice for people and gates; nothing that is reported here changes what any node is served. What is not
known is left out, and never zero. Nothing costs more than a bounded share of what the agent and Envoy have.

wiring      the reporter of an agent, put together
sources     what reports are made of: the other parts of the agent, as they are asked
statistics  Envoy's page of statistics -> numbers (pure)
running     Envoy's config_dump -> what it runs, and how that differs from what is held (pure)
instances   which Envoy process it is whose counters are told (pure)
schedule    what is due to be looked at (pure)
deltas      what of it is still to be told (pure)
collecting  asks Envoy's admin interface and the sources, as the schedule says
reporter    the one stream of reports, on the connection that configuration comes by
below       a relay's: the nodes that it serves, their reports and orders to them

answering   an order's answer on that stream: by credit, to its end
operator    carries orders out, if the configuration allows them
logbook     the end of a log, and what comes to it
hiding      takes secrets out of lines of a log (pure, but for what is held)
audit       the record of orders at the node
"""
