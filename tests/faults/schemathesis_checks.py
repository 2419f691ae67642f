"""What schemathesis checks of our API beyond its own rules, and which of its findings are none."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import schemathesis
from schemathesis import CheckContext, HookContext, Response
from schemathesis.core.failures import Failure
from schemathesis.openapi.checks import RejectedPositiveData

from operations.openapi import ENDPOINTS
from operations.openapi.links import operation_id
from shared.endpoint import Endpoint

Case = schemathesis.Case[Any]

BY_STATE = {"precondition_failed", "idempotency_key_reused", "weak_password"}
"""Codes of refusals that no schema can tell of: they hang on what is there, or on more than the value's shape."""
FAULTS_BY_STATE = {"not_assignable"}
"""The same for the faults of ``validation_failed``."""

OPERATIONS: Mapping[str, Endpoint] = {operation_id(endpoint): endpoint for endpoint in ENDPOINTS}
CREATIONS = {"create_project": "project", "create_issue": "issue", "create_comment": "comment", "register": "user"}
"""What an operation creates."""
_there: set[tuple[str, str]] = set()
_gone: set[tuple[str, str]] = set()
"""Kind and id of what was created, and of what was deleted."""


def operation_of(case: Case) -> str:
    """The ``operationId`` of a request."""
    return str(case.operation.definition.raw["operationId"])


@schemathesis.check
def query_whitelist(_context: CheckContext, response: Response, case: Case) -> None:
    """An unknown parameter is refused, and so is a repeated one; ``negative_data_rejection`` lets both pass."""
    query = OPERATIONS[operation_of(case)].query
    declared = set(query.model_fields) if query else set()
    names = [name for name, _ in parse_qsl(urlsplit(str(response.request.url)).query, keep_blank_values=True)]
    if response.status_code < 400 and (len(set(names)) < len(names) or not set(names) <= declared):
        raise Failure(operation=case.operation.label, title="Parameter not refused", message=f"Sent: {names}")


@schemathesis.check
def what_is_there_is_found(_context: CheckContext, response: Response, case: Case) -> None:
    """What was created is there until it is deleted; a project stays, archived.

    Wider than ``ensure_resource_availability`` and ``use_after_free``, which know by paths what belongs together.
    """
    name = operation_of(case)
    thing = str(OPERATIONS[name].kind), str(case.path_parameters.get("id"))
    is_found = response.status_code < 400
    if (is_found and thing in _gone) or (response.status_code == 404 and thing in _there - _gone):
        message = f"{response.status_code} for {thing}"
        raise Failure(operation=case.operation.label, title="Not what was left there", message=message)
    if name in CREATIONS and response.status_code == 201:
        _there.add((CREATIONS[name], response.json()["id"]))
    elif name in ("delete_user", "end_session") and is_found:
        _gone.add(thing)


@schemathesis.hook
def filter_failure(_context: HookContext, failure: Failure, _case: Case, response: Response) -> bool:
    """Whether a failure counts: a refusal of something well formed does not where the state is its reason."""
    if not isinstance(failure, RejectedPositiveData):
        return True
    problem = response.json()
    faults = {error["code"] for error in problem.get("errors", [])}
    return problem["code"] not in BY_STATE and not (faults and faults <= FAULTS_BY_STATE)
