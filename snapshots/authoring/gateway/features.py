"""What is supported of the standard, in its own names: told by every GatewayClass of ours. Pure.

Source: Gateway API v1.6, `pkg/features` and GatewayClassStatus "supportedFeatures". Left out: GatewayInfrastructure, as
nothing is created here that could carry labels, and Mesh with all that begins so.
"""

from __future__ import annotations

_BY_SUBJECT: dict[str, tuple[str, ...]] = {
    "BackendTLSPolicy": ("SANValidation",),
    "GRPCRoute": ("NamedRouteRule",),
    "Gateway": (
        "AddressEmpty",
        "BackendClientCertificate",
        "FrontendClientCertificateValidation",
        "FrontendClientCertificateValidationInsecureFallback",
        "HTTPListenerIsolation",
        "HTTPSListenerDetectMisdirectedRequests",
        "Port8080",
        "StaticAddresses",
    ),
    "HTTPRoute": (
        "303RedirectStatusCode",
        "307RedirectStatusCode",
        "308RedirectStatusCode",
        "BackendProtocolH2C",
        "BackendProtocolWebSocket",
        "BackendRequestHeaderModification",
        "BackendTimeout",
        "CORS",
        "DestinationPortMatching",
        "HostRewrite",
        "MethodMatching",
        "NamedRouteRule",
        "ParentRefPort",
        "PathRedirect",
        "PathRewrite",
        "PortRedirect",
        "QueryParamMatching",
        "RequestMirror",
        "RequestMultipleMirrors",
        "RequestPercentageMirror",
        "RequestTimeout",
        "ResponseHeaderModification",
        "Retry",
        "RetryBackendTimeout",
        "RetryConnectionError",
        "SchemeRedirect",
    ),
    "ListenerSet": (),
    "ReferenceGrant": (),
    "TCPRoute": (),
    "TLSRoute": ("ModeMixed", "ModeTerminate"),
    "UDPRoute": (),
}

# Sorted by name, as the standard wants it.
SUPPORTED_FEATURES: tuple[str, ...] = tuple(
    sorted(subject + part for subject, parts in _BY_SUBJECT.items() for part in ("", *parts))
)
