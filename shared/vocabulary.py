"""The words of the contract that code, database and documents share, each in the order in which it sorts."""

from typing import Literal, get_args

RoleName = Literal["developer", "manager", "admin"]
StatusName = Literal["open", "in_progress", "resolved", "closed", "reopened"]
PriorityName = Literal["low", "medium", "high", "critical"]
HistoryField = Literal["title", "description", "status", "priority", "assignee", "due_date"]
AuditAction = Literal[
    "auth.register",
    "auth.login",
    "auth.lockout",
    "auth.unlock",
    "auth.refresh",
    "auth.refresh_reuse",
    "auth.logout",
    "auth.logout_all",
    "auth.session_end",
    "auth.password_change",
    "user.role_change",
    "user.activate",
    "user.deactivate",
    "user.delete",
    "permission.denied",
    "project.create",
    "project.edit",
    "project.archive",
    "project.restore",
]
AuditOutcome = Literal["success", "failure", "denied"]
AuditTarget = Literal["user", "project", "issue", "comment", "session"]

ROLES: tuple[RoleName, ...] = get_args(RoleName)
STATUSES: tuple[StatusName, ...] = get_args(StatusName)
PRIORITIES: tuple[PriorityName, ...] = get_args(PriorityName)
HISTORY_FIELDS: tuple[HistoryField, ...] = get_args(HistoryField)
AUDIT_ACTIONS: tuple[AuditAction, ...] = get_args(AuditAction)
AUDIT_OUTCOMES: tuple[AuditOutcome, ...] = get_args(AuditOutcome)
AUDIT_TARGETS: tuple[AuditTarget, ...] = get_args(AuditTarget)
