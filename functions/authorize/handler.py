"""A person allows us into a back office: off to its consent page, and back with what opens it."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from accord import consent_page
from accord.bootstrap import sign_in
from accord.consent_page import Visit
from accord.errors import TransientError, UnauthorizedError, UnsupportedError
from accord.settings import settings
from accord.sync.consent import Begun, Choice, Connected

logger = Logger()


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """A page with a button for whoever has a link of `accord connect`; the button leads to the
    consent page, 303; back from there, a page.

    Nothing of the address is logged: it holds the link, the state and the code.
    """
    visit = Visit.from_event(event)
    try:
        title = sign_in.oauth_of(visit.erp).title
    except UnsupportedError:
        return consent_page.unknown()
    try:
        if visit.is_back:
            return _finished(visit, title)
        return _begun(visit, title) if visit.is_sent else _looked(visit, title)
    except TransientError as error:
        logger.warning("not now", erp=visit.erp, reason=error.reason, error=str(error))
        return consent_page.not_now()
    except UnauthorizedError as error:
        logger.error("not set up", erp=visit.erp, reason=error.reason, error=str(error))
        return consent_page.refused(str(error))


def _looked(visit: Visit, title: str) -> dict[str, Any]:
    link = visit.query.get("link", "")
    stopped = sign_in.consent_of(visit.erp).look(link)
    if stopped is not None:
        logger.warning("stopped", erp=visit.erp, why=stopped.why)
        return consent_page.stopped(visit.erp, title, stopped.why)
    page = sign_in.oauth_of(visit.erp).authorize_url
    return consent_page.ready(visit.erp, title, link, page)


def _begun(visit: Visit, title: str) -> dict[str, Any]:
    begun = sign_in.consent_of(visit.erp).begin(visit.query.get("link", ""))
    if not isinstance(begun, Begun):
        logger.warning("stopped", erp=visit.erp, why=begun.why)
        return consent_page.stopped(visit.erp, title, begun.why)
    logger.info("begun", erp=visit.erp)
    page = sign_in.page_of(visit.erp, begun)
    return consent_page.sent_to(page, visit.erp, begun.browser, secure=_is_secure())


def _finished(visit: Visit, title: str) -> dict[str, Any]:
    query = visit.query
    found = sign_in.consent_of(visit.erp).finish(
        query.get("state", ""),
        visit.browser(secure=_is_secure()),
        code=query.get("code", ""),
        error=query.get("error", ""),
        tenant=query.get("tenant", ""),
    )
    if isinstance(found, Choice):
        logger.info("asked which", erp=visit.erp, tenants=len(found.tenants))
        return consent_page.which(visit.erp, title, found, query["state"])
    if isinstance(found, Connected):
        logger.info("connected", erp=visit.erp, tenant=found.tenant.id)
        return consent_page.connected(visit.erp, title, found.tenant)
    logger.warning("stopped", erp=visit.erp, why=found.why)
    return consent_page.stopped(visit.erp, title, found.why, found.said)


def _is_secure() -> bool:
    return settings().public_url.startswith("https://")
