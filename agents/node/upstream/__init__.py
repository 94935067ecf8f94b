"""The one stream up: incremental ADS to the first server, or relay, that answers as it should.

A map:
`candidates` whose turn it is, and how long its first answer may take. Pure
`channels` a connection to one of them: TLS, keepalive, limits
`messages` requests of the core -> bytes, bytes -> answers of the core; what a body refers to
`call` one stream, from its first request to its end
`link` one stream after the other, for as long as the agent lives
`follower` what the other side of the link has to be able to do
"""
