"""Who may read a page: everybody where nobody needs to sign, else who shows a pair by HTTP Basic.

The user name is an access key id of the credentials file, the password its secret
(https://www.rfc-editor.org/rfc/rfc7617).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import HTTPException
from fastapi.security import HTTPBasic

from coordinator.domain.credentials import OPERATOR, VIEWER

if TYPE_CHECKING:
    from fastapi import Request

    from coordinator.service.access import Access
    from coordinator.web.guards import HostGuard

UNAUTHORIZED, FORBIDDEN = 401, 403
REALM = "coordinator"
_basic = HTTPBasic(realm=REALM)


class Readers:
    """Lets readers in, by account."""

    def __init__(self, access: Access, guard: HostGuard) -> None:
        self._access, self._guard = access, guard

    async def admit(self, request: Request) -> str | None:
        """Return the account of who asks for a page; None where there are no accounts.

        Whose name was given is left in ``request.state.reader``, for the audit trail.

        Raises:
            InvalidRequestError: a page of somebody else's is behind it.
            HTTPException: 401 without a pair of this service, 403 with one that may not read.
        """
        self._guard.check_page(dict(request.headers.raw))
        if not self._access.signed:
            return None
        given = await _basic(request)
        request.state.reader = given.username if given else ""
        credential = self._access.holder(given.username, given.password) if given else None
        if credential is None:
            challenge = {"WWW-Authenticate": f'Basic realm="{REALM}"'}
            raise HTTPException(UNAUTHORIZED, headers=challenge)
        if credential.roles.isdisjoint((VIEWER, OPERATOR)):
            raise HTTPException(FORBIDDEN)
        return credential.account
