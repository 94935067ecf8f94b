"""The sans-IO core of xDS: what to answer, decided without a socket, a clock or a proto.

session        one stream: requests and the catalogue's moves in, plans out
dispatch       in which order the responses of a session go
answering      what was asked for, at once
adding         additions and updates, in their turn
removing       removals, last
returning      when a client that comes back is answered, and what it may keep for now
sending        nonces, and what waits for an answer; completing says when a revision has been told in full
ordering       make before break: who waits for whose answer
warming        clusters on their way, and the endpoints that they need
withholding    what stays back because the client refused something
healing        clusters for a client that never asks for them
siblings       what the streams of a client without ADS know of each other
catalogue      one group's served state, with served (one type of it), changelog and references
knowledge      what of it is known, where it mirrors an upstream; pending keeps what is asked for until it is
assignments    whose word counts for a cluster's endpoints: an endpoint set's or the configuration's
subscription   one type of one stream: cursors and exceptions; interest is what the client wants of it
aliases        which resource a name stands for that is no resource's own; standing is what the names of a session do
following      keeps that up to date before anything is decided
due            what a subscription is owed: the log from its cursor, cut to its interest
responses      what the two variants say of it: delta_responses, state_responses; content is one of them without a nonce
splitting      bounds their size
missing        tells of names that do not exist
settling       what an ACK, a NACK or a stale nonce means; admission refuses what is no request
leases         what a client holds for a time only; renewing tells it in time that it may go on
features       what a client says that it can do
holding        what it has of each name, for people who ask
polling        one request without a stream, and its one answer
wire           bytes of protobuf by hand
plan, requests, resource, types, variant   the nouns that others share
"""
