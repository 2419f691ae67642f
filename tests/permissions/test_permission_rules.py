"""What holds for every right, whatever the matrix says."""

from hypothesis import given
from hypothesis import strategies as st

from shared.security.permissions import (
    ADMIN,
    ANONYMOUS,
    DEVELOPER,
    MANAGER,
    MATRIX,
    RELATIONS,
    Permission,
    Standing,
    needs_token,
    permits,
    role_decides,
)

permissions = st.sampled_from(Permission)
roles = st.sampled_from([DEVELOPER, MANAGER, ADMIN])
relations = st.frozensets(st.sampled_from(sorted(RELATIONS)))


def test_the_matrix_has_a_row_for_every_right() -> None:
    assert set(MATRIX) == set(Permission)
    assert {*RELATIONS, ANONYMOUS, DEVELOPER, MANAGER, ADMIN} == set(Standing)


@given(permissions, roles, relations, relations)
def test_a_relation_never_takes_a_right_away(
    permission: Permission, role: Standing, some: frozenset[Standing], more: frozenset[Standing]
) -> None:
    if permits(permission, role, some):
        assert permits(permission, role, some | more)


@given(permissions, roles, relations)
def test_rights_of_several_relations_are_the_rights_of_each(
    permission: Permission, role: Standing, some: frozenset[Standing]
) -> None:
    each = [permits(permission, role, frozenset({relation})) for relation in some]
    assert permits(permission, role, some) == (permits(permission, role) or any(each))


@given(permissions, relations)
def test_a_higher_role_has_every_right_of_a_lower_one(permission: Permission, some: frozenset[Standing]) -> None:
    rights = [permits(permission, role, some) for role in (DEVELOPER, MANAGER, ADMIN)]
    assert rights == sorted(rights)


@given(permissions, roles, relations)
def test_where_the_role_decides_no_relation_changes_the_answer(
    permission: Permission, role: Standing, some: frozenset[Standing]
) -> None:
    if role_decides(permission):
        assert permits(permission, role, some) == permits(permission, role)


@given(permissions)
def test_where_the_role_does_not_decide_some_relation_gives_a_developer_the_right(permission: Permission) -> None:
    if not role_decides(permission):
        assert not permits(permission, DEVELOPER)
        assert permits(permission, DEVELOPER, RELATIONS)


@given(permissions, roles, relations)
def test_what_needs_no_token_is_for_everybody_and_the_rest_not_for_the_anonymous(
    permission: Permission, role: Standing, some: frozenset[Standing]
) -> None:
    assert needs_token(permission) != permits(permission, ANONYMOUS)
    assert needs_token(permission) or permits(permission, role, some)
