"""A listening TCP socket, and the system's own words when it cannot be had."""

from __future__ import annotations

import socket

from api.hosting.address import Address, CannotListen


def bind(address: Address) -> socket.socket:
    """A listening socket that does not block. Raises CannotListen with the system's reason."""
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
    except OSError as error:
        raise CannotListen(address, (error.strerror or str(error)).lower()) from error
    listener.listen(128)
    listener.setblocking(False)
    return listener
