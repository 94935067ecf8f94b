"""Formats that a string may have to have: host names, addresses, URIs, headers. Pure predicates."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

_LABEL = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_NOT_IN_URI = re.compile(r"[\x00-\x20\x7f]")
# RFC 9110's token, a comma as protoc-gen-validate takes it, and the colon of a pseudo-header.
_HEADER_NAME = re.compile(r":?[0-9A-Za-z!#$%&'*+,.^_`|~-]+")
_HEADER_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_LINE_OR_NUL = re.compile(r"[\x00\n\r]")


def is_hostname(text: str) -> bool:
    """RFC 1034: labels of letters, digits and inner hyphens; at most 253 characters; the last is not a number."""
    host = text.removesuffix(".")
    labels = host.split(".")
    return len(host) <= 253 and not labels[-1].isdigit() and all(_LABEL.fullmatch(label) for label in labels)


def is_ip(text: str) -> bool:
    return is_ipv4(text) or is_ipv6(text)


def is_ipv4(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def is_ipv6(text: str) -> bool:
    """Without a zone: `fe80::1%eth0` means nothing on another machine."""
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return "%" not in text


def is_address(text: str) -> bool:
    """A host name or an IP address."""
    return is_ip(text) or is_hostname(text)


def is_email(text: str) -> bool:
    """`local@host`: RFC 5321's lengths, no display name."""
    local, at, host = text.rpartition("@")
    plain = not any(character.isspace() or character in '<>()[],;:\\"' for character in local)
    return bool(at) and 0 < len(local) <= 64 and len(text) <= 254 and plain and is_hostname(host)


def is_uri(text: str) -> bool:
    """Absolute: it has a scheme."""
    return _SCHEME.match(text) is not None and is_uri_reference(text)


def is_uri_reference(text: str) -> bool:
    """RFC 3986, absolute or relative."""
    if _NOT_IN_URI.search(text) or _BAD_ESCAPE.search(text):
        return False
    try:
        urlsplit(text).port  # noqa: B018 - reading it is what checks the authority
    except ValueError:
        return False
    return True


def is_uuid(text: str) -> bool:
    return _UUID.fullmatch(text) is not None


def is_header_name(text: str) -> bool:
    return _HEADER_NAME.fullmatch(text) is not None


def is_loose_header_name(text: str) -> bool:
    # Empty is fine, as Envoy has it: `strict: false` only keeps line breaks and NUL out.
    return _LINE_OR_NUL.search(text) is None


def is_header_value(text: str) -> bool:
    return _HEADER_CONTROL.search(text) is None


def is_loose_header_value(text: str) -> bool:
    return _LINE_OR_NUL.search(text) is None
