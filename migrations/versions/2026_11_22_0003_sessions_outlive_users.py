"""A session outlives its user, over for good, so that its refresh tokens are known as revoked and not as unknown."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

REFERENCE = "fk_sessions_user_id_users"


def upgrade() -> None:
    op.alter_column("sessions", "user_id", existing_type=sa.Uuid, nullable=True)
    _refer(on_delete="SET NULL")


def downgrade() -> None:
    op.execute("DELETE FROM sessions WHERE user_id IS NULL")
    _refer(on_delete="CASCADE")
    op.alter_column("sessions", "user_id", existing_type=sa.Uuid, nullable=False)


def _refer(on_delete: str) -> None:
    op.drop_constraint(REFERENCE, "sessions")
    op.create_foreign_key(REFERENCE, "sessions", "users", ["user_id"], ["id"], ondelete=on_delete)
