"""The management API: `v1/management.proto`, the service that implements it, and the client that speaks it.

client       every call as a coroutine or an asynchronous iterator; connection: its channel, deadlines, retries, errors
service      each call to the file that knows it; backend: what it stands on
uploads      documents on their way in            compiling    documents to resources and findings
publishing   check, plan, publish, roll back      planning     what a plan says beside resources
reading      revisions, documents, groups, history, differences
nodes        who is connected and has what        explaining   why a resource is or is not served
following    a revision's way to the ACKs         events       the hub that tells watchers and wakes followers
guard        the edge of every call               policy       who may call what
conversion   our nouns as messages                details      errors and findings on the wire
"""
