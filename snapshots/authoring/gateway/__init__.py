"""Gateway API objects -> Envoy resources and statuses, as the standard says. Pure; no stage knows another's insides.

world            all objects by kind and name; namespaces' labels; grants: who may refer to what
listeners        the listeners of Gateways and ListenerSets: where they bind, what is wrong with them
attachments      which route serves which hostnames of which listener, or why not
certificates     Secrets that listeners show, and whether they can be used
backends         what a backendRef leads to: clusters and shares, or why it leads nowhere
clusters         the clusters and endpoints of the backends that are used
http_rules       rules with their references looked up; http_matches, header_changes, paths, cors, retries, sessions and
                 regexes know one part of a rule each
http_actions     what a rule does with requests; http_routes: the Envoy routes of a whole HTTPRoute or GRPCRoute
layer4           TLSRoute and TCPRoute as filter chains
virtual_hosts    routes of one listener in order of precedence, by hostname
serving          listeners with all that hangs on them; http_serving: their HTTP part
statuses         what each object is told: conditions in the standard's words
envoy            how messages are made
translate        the stages in their order

A mistake takes its own object out, never its neighbours: it becomes a condition of the object's status and a complaint
with its place. Whether complaints refuse the whole is not decided here.
"""
