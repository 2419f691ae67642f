"""Who may do what: the whole matrix, as data. Endpoints name a permission; nothing else in the code decides one."""

from enum import Enum, StrEnum


class Standing(StrEnum):
    """What a caller is: by role, everywhere; by relation, to one object."""

    ANONYMOUS = "anonymous"
    DEVELOPER = "developer"
    MANAGER = "manager"
    ADMIN = "admin"
    CREATOR = "creator"
    """Of the project, or of the issue's project."""
    REPORTER = "reporter"
    ASSIGNEE = "assignee"
    AUTHOR = "author"
    """Of the comment."""


ANONYMOUS, DEVELOPER, MANAGER, ADMIN = Standing.ANONYMOUS, Standing.DEVELOPER, Standing.MANAGER, Standing.ADMIN
CREATOR, REPORTER, ASSIGNEE, AUTHOR = Standing.CREATOR, Standing.REPORTER, Standing.ASSIGNEE, Standing.AUTHOR

SIGNED_IN = frozenset({DEVELOPER, MANAGER, ADMIN})
ANYONE = SIGNED_IN | {ANONYMOUS}
RELATIONS = frozenset({CREATOR, REPORTER, ASSIGNEE, AUTHOR})


class Permission(Enum):
    """A right; the value is how it is called in an answer."""

    ENTER = "enter"
    OWN_ACCOUNT = "see and change the own account"
    VIEW_USERS = "view users"
    MANAGE_USERS = "manage users"
    VIEW_AUDIT = "view the audit log"
    VIEW_PROJECTS = "view projects"
    CREATE_PROJECT = "create projects"
    EDIT_PROJECT = "edit this project"
    ARCHIVE_PROJECT = "archive or restore this project"
    VIEW_ISSUES = "view issues"
    CREATE_ISSUE = "create issues"
    EDIT_ISSUE = "edit this issue"
    CHANGE_ASSIGNEE = "change the assignee of this issue"
    VIEW_COMMENTS = "view comments"
    ADD_COMMENT = "add comments"
    EDIT_COMMENT = "edit this comment"


MATRIX: dict[Permission, frozenset[Standing]] = {
    Permission.ENTER: ANYONE,
    Permission.OWN_ACCOUNT: SIGNED_IN,
    Permission.VIEW_USERS: SIGNED_IN,
    Permission.MANAGE_USERS: frozenset({ADMIN}),
    Permission.VIEW_AUDIT: frozenset({ADMIN}),
    Permission.VIEW_PROJECTS: SIGNED_IN,
    Permission.CREATE_PROJECT: frozenset({MANAGER, ADMIN}),
    Permission.EDIT_PROJECT: frozenset({CREATOR, MANAGER, ADMIN}),
    Permission.ARCHIVE_PROJECT: frozenset({CREATOR, ADMIN}),
    Permission.VIEW_ISSUES: SIGNED_IN,
    Permission.CREATE_ISSUE: SIGNED_IN,
    Permission.EDIT_ISSUE: frozenset({REPORTER, ASSIGNEE, CREATOR, MANAGER, ADMIN}),
    Permission.CHANGE_ASSIGNEE: frozenset({REPORTER, CREATOR, MANAGER, ADMIN}),
    Permission.VIEW_COMMENTS: SIGNED_IN,
    Permission.ADD_COMMENT: SIGNED_IN,
    Permission.EDIT_COMMENT: frozenset({AUTHOR}),
}


def needs_token(permission: Permission) -> bool:
    """Whether one has to be signed in for the right."""
    return ANONYMOUS not in MATRIX[permission]


def role_decides(permission: Permission) -> bool:
    """Whether no relation to an object can give the right, so that the answer is known without the object."""
    return not MATRIX[permission] & RELATIONS


def permits(permission: Permission, role: Standing, relations: frozenset[Standing] = frozenset()) -> bool:
    """Whether a caller of this role with these relations to the object has the right."""
    return not MATRIX[permission].isdisjoint({role, *relations})
