"""Gateway API objects -> Envoy resources and statuses, as the standard says. Pure; no stage knows another's insides.

world            all objects by kind and name; namespaces' labels; grants: who may refer to what
gateways         the Gateways that are ours: addresses, ListenerSets, why nothing of one is served
listeners        the listeners of Gateways and ListenerSets: where they bind (bound), what is wrong with them
conflicts        those that want the same place, and whose TLS overlaps; hostnames: what takes in what
attachments      which route serves which hostnames of which listener, or why not; parents: found by name
certificates     Secrets that listeners show, and whether they can be used; client_certificates: what Gateways show
client_checks    whom HTTPS listeners ask for a certificate, and whom they trust; authorities: CA certificates
frame            all of the above for Gateways and their listeners, made as one
backends         what a backendRef leads to: clusters and shares, or why it leads nowhere; backend_faces: what it shows
backend_tls      which backends are spoken to in TLS, by which policy, and whom to trust there
clusters         the clusters of the backends that are used; endpoints: their addresses
http_rules       rules with their references looked up; http_matches, header_changes, paths, cors, retries, sessions and
                 regexes know one part of a rule each
guards           services that are asked whether a request may pass; closing: what stands there for who has none
http_actions     what a rule does with requests; http_routes: the Envoy routes of a whole HTTPRoute or GRPCRoute
layer4           TLSRoute, TCPRoute and UDPRoute as proxies; packet_shares: backends of a UDPRoute as one cluster
connections      filter chains of TLS and TCP listeners, the filter of UDP ones, and where TLS ends
virtual_hosts    routes of one listener in order of precedence, by hostname
shadows          matches that no request comes to, hostname by hostname
routing          virtual hosts as one route configuration; slices: as many small ones, if there are many hosts
serving          listeners with all that hangs on them; http_serving: their HTTP part
statuses         what each object is told, in the standard's words (conditions): Gateways and ListenerSets;
                 listener_statuses, route_statuses, policy_statuses: theirs; refusals: what Envoys say to it;
                 features: what every class of ours tells
unheeded         fields that change nothing here
envoy            how messages are made
translate        the stages in their order; stages: each as a column of cells, kept from one compilation to the next

A mistake takes its own object out, never its neighbours: it becomes a condition of the object's status and a complaint
with its place. Whether complaints refuse the whole is not decided here.
"""
