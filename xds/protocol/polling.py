"""One request that is answered once: REST polling and the unary Fetch methods. A session decides, and ends with it.

There is no stream, so there is no ACK, no order between types and no memory of the client: it says what it has.
xDS: "REST-JSON polling subscriptions".
"""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import count

from xds.protocol.admission import Limits
from xds.protocol.catalogue import Catalogue
from xds.protocol.interest import WILDCARD
from xds.protocol.plan import Response
from xds.protocol.requests import StateRequest
from xds.protocol.served import digest, version_of
from xds.protocol.session import Session
from xds.protocol.types import TypeUrl
from xds.protocol.variant import Variant


class Poll:
    """Look at `refused` first: it is a Close when the request is none. Then `answer`, once the node's group is known.

    A poll without names asks for everything, whatever its type: nothing before it could have said so.
    """

    def __init__(self, request: StateRequest, only_type: TypeUrl, limits: Limits) -> None:
        node = replace(request.node, client_features=()) if request.node else None  # nothing can be renewed in time
        self._request = replace(request, resource_names=request.resource_names or (WILDCARD,), node=node)
        whole = replace(limits, response_bytes=sys.maxsize)  # an answer that cannot be followed cannot be split
        self._session = Session(Variant.STATE_OF_THE_WORLD, count(1), only_type=only_type, limits=whole)
        self.refused = self._session.receive(self._request, 0.0).close

    def answer(self, catalogue: Catalogue) -> Response | None:
        """All that was asked for; None when the client says that it has just that.

        The version is that of the answer, not of the type: who asks for another name with it is not told "no change".
        """
        responses = self._session.serve(catalogue, 0.0).responses
        if not responses:
            return None
        (response,) = responses
        everything = WILDCARD in self._request.resource_names
        version = response.version if everything else version_of(sum(map(digest, response.resources)))
        if version == self._request.version_info:
            return None
        return replace(response, version=version, share_key=("poll", response.share_key))
