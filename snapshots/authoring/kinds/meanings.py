"""What each field of a document means, in a sentence: for `fairlead explain`, editors and the reference.

By the model's name and the field as authored. A field that a model inherits is explained where it is declared. A test
holds that no field goes without a sentence.
"""

from __future__ import annotations

KINDS: dict[str, str] = {
    "Workspace": "Whose documents a directory holds, and which gateways are served them. Stands in fairlead.yaml.",
    "EnvoyResource": "Any xDS resource, written as Envoy writes it: the escape hatch.",
    "EnvoyPatch": "Changes a part of what an authored object comes to, where its own fields do not reach.",
    "Backend": "Where a service lives outside Kubernetes; backendRefs point at it.",
    "GatewayClass": "Says which controller looks after the Gateways of a class.",
    "Gateway": "Where connections are taken: addresses, ports, protocols and certificates.",
    "ListenerSet": "More listeners for a Gateway that allows them, owned by somebody else.",
    "HTTPRoute": "Requests by host, path, method, headers and query to backends.",
    "GRPCRoute": "gRPC calls by host, service, method and headers to backends.",
    "TLSRoute": "TLS connections by the host name that the client asks for to backends.",
    "TCPRoute": "TCP connections to backends by weight.",
    "UDPRoute": "UDP packets to backends by weight.",
    "BackendTLSPolicy": "That backends are spoken to in TLS, and whom to trust.",
    "ReferenceGrant": "Allows objects of other namespaces to refer into this one.",
    "Service": "A Kubernetes Service, as far as a gateway reads it: its ports.",
    "EndpointSlice": "The addresses of a Service, as Kubernetes writes them.",
    "Secret": "A certificate with its key (kubernetes.io/tls), or authorities (ca.crt).",
    "ConfigMap": "Authorities to trust, under the key ca.crt.",
    "Namespace": "A namespace's labels, which listeners may select by.",
}

_PARENT = "The API group of the parent."
_KIND_REFERRED = "The kind of the object that is referred to."
_GROUP_REFERRED = "The API group of the object that is referred to; empty for Kubernetes' core kinds."
_NAME_REFERRED = "The name of the object that is referred to."
_NAMESPACE_REFERRED = (
    "Its namespace; the referring object's own without. Another one needs a ReferenceGrant there, or a Gateway that "
    "takes routes from here."
)
_SELECTOR = "Which namespaces, by their labels; read where `from` is Selector."
_PARENTS = "The Gateways and ListenerSets whose listeners this route wants to be attached to."
_HOSTNAMES = "The hosts this route is for; a first label `*` stands for any. Without any: all hosts of its listeners."
_DEFAULT_GATEWAYS = (
    "`All` attaches the route to every Gateway whose defaultScope is All, as if it named each. Experimental."
)
_RULE_NAME = "A name for the rule, unique in the route; patches and statuses can refer to it."
_BACKENDS = "Where the traffic goes, shared by weight."
_SESSIONS = "Keeps the requests of one client at one endpoint. Experimental."
_MATCH_TYPE = "How the value is compared: in full, or as an RE2 expression that must match all of it."

FIELDS: dict[str, dict[str, str]] = {
    # What every document has.
    "Document": {
        "apiVersion": "The API group and version that the kind belongs to.",
        "kind": "What the document is.",
        "metadata": "What names the object, and what is noted on it.",
        "spec": "What is wanted.",
        "status": "What a cluster reported of the object. Ignored.",
    },
    "Metadata": {
        "name": "The object's name, unique among those of its kind (and namespace).",
        "labels": "Words to select objects by. All values are text.",
        "annotations": "Notes for tools. All values are text.",
    },
    "ResourceMetadata": {
        "annotations": (
            "Notes for tools. `fairlead.dev/on-demand` (true or false): sent only to gateways that ask for it. "
            "`fairlead.dev/ttl` (such as 30s): how long clients keep it without hearing of it."
        ),
    },
    "ObjectMetadata": {
        "creationTimestamp": "When the object was made (RFC 3339). Of two that want the same, the older has it.",
        "generation": "The number of the spec, from a cluster; statuses say it as observedGeneration.",
        "uid": "From a cluster. Ignored.",
        "resourceVersion": "From a cluster. Ignored.",
        "managedFields": "From a cluster. Ignored.",
        "ownerReferences": "From a cluster. Ignored.",
        "finalizers": "From a cluster. Ignored.",
        "generateName": "From a cluster. Ignored.",
        "selfLink": "From a cluster. Ignored.",
        "deletionTimestamp": "From a cluster. Ignored.",
        "deletionGracePeriodSeconds": "From a cluster. Ignored.",
    },
    "NamespacedMetadata": {"namespace": "The namespace the object is in."},
    "WorkspaceSpec": {
        "group": "The group of gateways that is served these documents.",
        "budgets": "What a publication of this workspace may come to. Those of the server hold beside them.",
    },
    "WorkspaceBudgets": {
        "resources": "How many resources it may have.",
        "sizeBytes": "How many bytes they may have together.",
        "growthPercent": "By how much it may grow at once, in percent of what it has.",
        "removedPercent": "How much of what it has may go at once, in percent.",
    },
    "EnvoyResourceSpec": {
        "@type": "The type of the xDS resource. Its fields stand beside it, as Envoy's API has them."
    },
    # EnvoyPatch
    "EnvoyPatchSpec": {
        "target": "The authored object whose outcome is changed.",
        "part": "Which part of what it comes to.",
        "merge": "Fields that are laid over the part (RFC 7386): null removes one, a list is replaced.",
        "json": "Operations one after the other (RFC 6902).",
        "priority": "Patches of a lower number go first; of the same, by name.",
    },
    "PatchTarget": {
        "group": "The API group of the object; that of its kind without.",
        "kind": "The kind of the object.",
        "name": "The object's name; it is in the patch's own namespace.",
        "sectionName": "One listener, one rule (its name, or its number from 0) or one port; all of them without.",
        "hostname": "Of a listener's virtual hosts, the one of this name.",
    },
    "PatchOperation": {
        "op": "What is done at the path.",
        "path": "Where, as a JSON Pointer (RFC 6901) within the part.",
        "from": "Where it comes from, for move and copy.",
        "value": "What is added, put in place, or tested for.",
    },
    # Backend
    "BackendSpec": {
        "endpoints": "The addresses of the service; or `dynamic`, when they are set with `fairlead endpoints`.",
        "hostname": "A DNS name that Envoy looks up, in place of endpoints. Needs a port.",
        "port": "The port of the hostname.",
        "appProtocol": (
            "What the service speaks: http, kubernetes.io/h2c (HTTP/2), kubernetes.io/ws (WebSocket), https, "
            "kubernetes.io/wss or grpc. HTTP/1.1 without."
        ),
    },
    "BackendEndpoint": {
        "address": "An IP address.",
        "port": "The port at that address.",
        "region": "Where it runs; with the zone, Envoy keeps traffic near.",
        "zone": "The zone within the region.",
        "weight": "Its share of the traffic of its priority, relative to the others.",
        "priority": "Lower numbers are used first, the next when those are not healthy. Counts from 0 without a gap.",
    },
    # GatewayClass, Gateway, ListenerSet
    "GatewayClassSpec": {
        "controllerName": "Whose class it is: fairlead.dev/gateway-controller is ours, others are left alone.",
        "parametersRef": "Refused: no parameters are known.",
        "description": "A note for people.",
    },
    "GatewaySpec": {
        "gatewayClassName": "The GatewayClass it is of. A class without a document is ours.",
        "listeners": "The ports it listens on, and what it speaks there.",
        "addresses": "The IP addresses it binds; all of the machine's without any.",
        "infrastructure": "Notes for what would be created in a cluster. Read, and without effect.",
        "allowedListeners": "Whose ListenerSets may add listeners.",
        "tls": "TLS for the whole Gateway: certificates asked of clients, and shown to backends.",
        "defaultScope": "`All`: routes with useDefaultGateways: All are attached to it. Experimental.",
    },
    "ListenerSetSpec": {
        "parentRef": "The Gateway that the listeners are added to.",
        "listeners": "The listeners that are added.",
    },
    "Listener": {
        "name": "The listener's name; a route's sectionName refers to it.",
        "hostname": "The host it is for; a first label `*` stands for any. All hosts without.",
        "port": "The port it binds.",
        "protocol": "HTTP, HTTPS, TLS, TCP or UDP.",
        "tls": "How TLS is ended, or passed through. For HTTPS and TLS.",
        "allowedRoutes": "Which routes may attach.",
    },
    "ListenerTLS": {
        "mode": "Terminate ends TLS here and needs certificateRefs; Passthrough leaves it to the backend.",
        "certificateRefs": "Secrets with the certificates that are shown to clients.",
        "options": "Refused: no options are known.",
    },
    "AllowedRoutes": {
        "namespaces": "The namespaces that routes may be in.",
        "kinds": "The kinds of routes; all that the protocol can serve without any.",
    },
    "RouteNamespaces": {
        "from": "All of them, those the selector selects, or the Gateway's own.",
        "selector": _SELECTOR,
    },
    "RouteGroupKind": {"group": "The API group of the kind of route.", "kind": "The kind of route."},
    "LabelSelector": {
        "matchLabels": "Labels that must be there with these values.",
        "matchExpressions": "Conditions on labels; all of them must hold.",
    },
    "LabelExpression": {
        "key": "The label.",
        "operator": "Whether it must have one of the values, none of them, be there, or be absent.",
        "values": "The values, for In and NotIn.",
    },
    "GatewayAddress": {
        "type": "IPAddress; other types are refused.",
        "value": "The address. A Gateway binds it on every machine that serves it.",
    },
    "Infrastructure": {
        "labels": "Read, and without effect.",
        "annotations": "Read, and without effect.",
        "parametersRef": "Refused: no parameters are known.",
    },
    "AllowedListeners": {"namespaces": "The namespaces that ListenerSets may be in."},
    "AllowedListenerNamespaces": {
        "from": "All of them, those the selector selects, the Gateway's own, or none.",
        "selector": _SELECTOR,
    },
    "GatewayTLS": {
        "frontend": "Which certificates HTTPS clients must show.",
        "backend": "The certificate that is shown to backends.",
    },
    "GatewayFrontendTLS": {
        "default": "For all ports that perPort does not name.",
        "perPort": "For single ports.",
    },
    "PortFrontendTLS": {"port": "The port.", "tls": "What holds for that port."},
    "FrontendTLS": {"validation": "How clients' certificates are checked; none is asked for without."},
    "ClientValidation": {
        "caCertificateRefs": "ConfigMaps or Secrets with ca.crt: the authorities that clients' certificates are from.",
        "mode": "AllowValidOnly refuses clients without a valid certificate; AllowInsecureFallback lets them in.",
    },
    "BackendClientTLS": {"clientCertificateRef": "The Secret with the certificate that backends are shown."},
    # References
    "ParentReference": {
        "group": _PARENT,
        "kind": "Gateway or ListenerSet.",
        "namespace": "The parent's namespace; the referring object's own without.",
        "name": "The parent's name.",
        "sectionName": "Only the listener of this name.",
        "port": "Only listeners on this port.",
    },
    "ParentGatewayReference": {
        "group": _PARENT,
        "kind": "Gateway.",
        "namespace": "The Gateway's namespace; the ListenerSet's own without.",
        "name": "The Gateway's name.",
    },
    "BackendObjectReference": {
        "group": "fairlead.dev for a Backend, empty for a Service.",
        "kind": "Service or Backend.",
        "name": _NAME_REFERRED,
        "namespace": _NAMESPACE_REFERRED,
        "port": "The Service's port. A Backend has its own: it may be left out there.",
    },
    "BackendRef": {"weight": "Its share of the traffic, relative to the others; 0 takes none."},
    "HTTPBackendRef": {"filters": "What is done to the requests that go to this backend, after the rule's filters."},
    "SecretObjectReference": {
        "group": _GROUP_REFERRED,
        "kind": _KIND_REFERRED,
        "name": _NAME_REFERRED,
        "namespace": _NAMESPACE_REFERRED,
    },
    "ObjectReference": {
        "group": _GROUP_REFERRED,
        "kind": _KIND_REFERRED,
        "name": _NAME_REFERRED,
        "namespace": _NAMESPACE_REFERRED,
    },
    "LocalObjectReference": {"group": _GROUP_REFERRED, "kind": _KIND_REFERRED, "name": _NAME_REFERRED},
    # HTTPRoute
    "HTTPRouteSpec": {
        "parentRefs": _PARENTS,
        "hostnames": _HOSTNAMES,
        "rules": "What is done with which requests. The most specific match wins, wherever it stands.",
        "useDefaultGateways": _DEFAULT_GATEWAYS,
    },
    "HTTPRouteRule": {
        "name": _RULE_NAME,
        "matches": "Which requests: those that any of these matches.",
        "filters": "What is done to requests and responses on their way.",
        "backendRefs": _BACKENDS + " Without any, and without a redirect, requests get 500.",
        "timeouts": "How long a request may take.",
        "retry": "Whether failed requests are tried again. Experimental.",
        "sessionPersistence": _SESSIONS,
    },
    "HTTPRouteMatch": {
        "path": "What the path must be.",
        "headers": "Headers that must all match.",
        "queryParams": "Query parameters that must all match.",
        "method": "The method that the request must have.",
    },
    "PathMatch": {
        "type": "Exact: the whole path. PathPrefix: whole segments from its start. RegularExpression: RE2, all of it.",
        "value": "The path, its prefix, or the expression.",
    },
    "HeaderMatch": {"type": _MATCH_TYPE, "name": "The header, in any case.", "value": "What it must be."},
    "QueryParamMatch": {"type": _MATCH_TYPE, "name": "The parameter.", "value": "What it must be."},
    "Timeouts": {
        "request": "From the request's end to the end of the answer, all tries together; 0s is without limit.",
        "backendRequest": "For each try. Not longer than `request`.",
    },
    "Retry": {
        "codes": "The statuses that are tried again, beside failed connections and streams.",
        "attempts": "How many times at most.",
        "backoff": "How long to wait before another try, at most for the first.",
    },
    "SessionPersistence": {
        "sessionName": "The name of the cookie or header; one is made without.",
        "absoluteTimeout": "When the session ends, whatever happens in it.",
        "type": "Whether a cookie or a header carries the session.",
        "cookieConfig": "Settings of the cookie.",
    },
    "CookieConfig": {
        "lifetimeType": "Session: until the browser closes. Permanent: until absoluteTimeout, which it needs.",
    },
    # Filters
    "Filter": {
        "type": "Which filter it is; the field of that name is set, and no other.",
        "requestHeaderModifier": "Changes headers of the request.",
        "responseHeaderModifier": "Changes headers of the response.",
        "requestMirror": "Sends a copy of the request elsewhere; its answer is dropped.",
        "requestRedirect": "Answers with a redirect.",
        "urlRewrite": "Changes host or path of the request before it goes to the backend.",
        "externalAuth": "Asks a service whether the request may pass. Experimental.",
        "cors": "Answers preflight requests of browsers, and says who may read answers.",
        "extensionRef": "Refused: no extensions are known.",
    },
    "HeaderModifier": {
        "set": "Headers that get this value, in place of any they had.",
        "add": "Headers that get this value beside any they had.",
        "remove": "Headers that are taken away.",
    },
    "Header": {"name": "The header.", "value": "Its value."},
    "RequestMirror": {
        "backendRef": "Where the copies go.",
        "percent": "The share of requests that is copied, in percent; all without.",
        "fraction": "The share as a fraction, for less than a percent.",
    },
    "Fraction": {"numerator": "So many of the denominator.", "denominator": "The whole."},
    "RequestRedirect": {
        "scheme": "The scheme of the new URL; the request's own without.",
        "hostname": "The host of the new URL; the request's own without.",
        "path": "How the path is changed.",
        "port": "The port of the new URL; without, the scheme's own, or the listener's.",
        "statusCode": "The status of the redirect.",
    },
    "URLRewrite": {"hostname": "The host that the backend is asked for.", "path": "How the path is changed."},
    "PathModifier": {
        "type": "Whether the whole path is replaced, or the prefix that matched.",
        "replaceFullPath": "The new path.",
        "replacePrefixMatch": "What stands in place of the prefix that matched.",
    },
    "ExternalAuth": {
        "protocol": "How it is asked: GRPC is Envoy's ext_authz protocol; HTTP is a request that 200 lets pass.",
        "backendRef": "The service that is asked. What is wrong with it answers 500: nothing passes unasked.",
        "grpc": "What is shown to a service of protocol GRPC; all headers without any.",
        "http": "What is shown to a service of protocol HTTP, and what it says of the request.",
        "forwardBody": "How much of the request's body is shown; nothing without.",
    },
    "GRPCAuth": {"allowedHeaders": "The headers that are shown; all without any."},
    "HTTPAuth": {
        "path": "What stands before the request's path where the service is asked. Begins with a slash.",
        "allowedHeaders": "Headers that are shown beside Host, method, path and Authorization.",
        "allowedResponseHeaders": "Headers of the answer that the backend gets; all without any.",
    },
    "ForwardBody": {"maxSize": "The largest body in bytes, to which it is held back; larger ones are answered 413."},
    "CORS": {
        "allowOrigins": "Origins that may ask: scheme, host and port; `*` may stand for the first label, or for all.",
        "allowCredentials": "Whether browsers may send cookies.",
        "allowMethods": "Methods that browsers may use; `*` for all.",
        "allowHeaders": "Headers that browsers may send; `*` for all.",
        "exposeHeaders": "Headers of the answer that scripts may read.",
        "maxAge": "How many seconds browsers may keep the answer to a preflight request.",
    },
    # GRPCRoute
    "GRPCRouteSpec": {
        "parentRefs": _PARENTS,
        "hostnames": _HOSTNAMES,
        "rules": "What is done with which calls. The most specific match wins, wherever it stands.",
        "useDefaultGateways": _DEFAULT_GATEWAYS,
    },
    "GRPCRouteRule": {
        "name": _RULE_NAME,
        "matches": "Which calls: those that any of these matches; all without any.",
        "filters": "What is done to calls and answers on their way.",
        "backendRefs": _BACKENDS + " Without any, calls get UNAVAILABLE.",
        "sessionPersistence": _SESSIONS,
    },
    "GRPCRouteMatch": {"method": "The service and method of the call.", "headers": "Metadata that must all match."},
    "GRPCMethodMatch": {
        "type": _MATCH_TYPE,
        "service": "The full name of the service, such as shop.v1.Carts; any without.",
        "method": "The method; any without.",
    },
    "GRPCHeaderMatch": {"type": _MATCH_TYPE, "name": "The header, in any case.", "value": "What it must be."},
    # Layer 4
    "Layer4Spec": {
        "parentRefs": _PARENTS,
        "rules": "One rule: where the traffic goes.",
        "useDefaultGateways": _DEFAULT_GATEWAYS,
    },
    "TLSRouteSpec": {"hostnames": "The host names that clients ask for (SNI); a first label `*` stands for any."},
    "Layer4Rule": {"name": _RULE_NAME, "backendRefs": _BACKENDS},
    # Policies
    "BackendTLSPolicySpec": {
        "targetRefs": "The Services and Backends of the same namespace that it is for.",
        "validation": "Whose certificate the backend must show.",
        "options": "Not known, and not read.",
    },
    "PolicyTarget": {
        "group": _GROUP_REFERRED,
        "kind": "Service or Backend.",
        "name": _NAME_REFERRED,
        "sectionName": "Only the Service's port of this name.",
    },
    "BackendValidation": {
        "hostname": "The name that is asked for (SNI), and that the certificate must have.",
        "caCertificateRefs": "ConfigMaps or Secrets with ca.crt: the authorities to trust.",
        "wellKnownCACertificates": "`System` trusts the authorities of the machine that Envoy runs on.",
        "subjectAltNames": "Names of which the certificate must have one, in place of the hostname.",
    },
    "SubjectAltName": {
        "type": "Whether it is a host name or a URI.",
        "hostname": "The host name; a first label `*` stands for any.",
        "uri": "The URI, such as a SPIFFE id.",
    },
    "ReferenceGrantSpec": {
        "from": "Who may refer: kinds of objects in namespaces.",
        "to": "What they may refer to in this namespace.",
    },
    "GrantFrom": {
        "group": "The API group of the referring kind.",
        "kind": "The referring kind.",
        "namespace": "The namespace it is in.",
    },
    "GrantTo": {
        "group": "The API group of the kind; empty for Kubernetes' core kinds.",
        "kind": "The kind that may be referred to.",
        "name": "The one object; all of the kind without.",
    },
    # Kubernetes
    "Service": {"spec": "What is wanted."},
    "ServiceSpec": {
        "ports": "The ports that backendRefs name.",
        "type": "ClusterIP and the like; ExternalName is refused as a backend.",
        "externalName": "The DNS name of an ExternalName Service. Write a Backend with a hostname instead.",
    },
    "ServicePort": {
        "name": "The port's name; EndpointSlices and policies refer to it.",
        "port": "The port that backendRefs name.",
        "protocol": "The transport.",
        "targetPort": "The port of the pods. Not read: EndpointSlices say it.",
        "appProtocol": "What is spoken on it; as the appProtocol of a Backend.",
    },
    "EndpointSlice": {
        "addressType": "What the addresses are; names (FQDN) are not read.",
        "endpoints": "Where the Service runs. The label kubernetes.io/service-name says whose slice it is.",
        "ports": "The ports at those addresses, by the names of the Service's ports.",
    },
    "Endpoint": {
        "addresses": "The addresses of one endpoint; the first is used.",
        "conditions": "Whether it can take traffic.",
        "zone": "The zone it runs in.",
    },
    "EndpointConditions": {
        "ready": "Whether it takes new requests; unset counts as true.",
        "serving": "Whether it still answers while it ends.",
        "terminating": "Whether it is ending.",
    },
    "EndpointPort": {
        "name": "The name of the Service's port.",
        "port": "The port at the addresses.",
        "protocol": "The transport.",
        "appProtocol": "Not read: the Service says it.",
    },
    "Secret": {
        "type": "kubernetes.io/tls for a certificate with its key.",
        "data": "Values in base64: tls.crt and tls.key, or ca.crt. Never shown.",
        "stringData": "Values as text; they win over data. Never shown.",
    },
    "ConfigMap": {"data": "Values as text: ca.crt, in PEM.", "binaryData": "Values in base64."},
}
