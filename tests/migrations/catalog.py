"""What PostgreSQL itself says of a database: everything by which two schemas could differ."""

import psycopg

QUERIES = {
    "columns": """
        SELECT relname, attname, format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid), collname
        FROM pg_attribute
        JOIN pg_class ON pg_class.oid = attrelid AND relkind = 'r' AND relnamespace = 'public'::regnamespace
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        LEFT JOIN pg_collation ON pg_collation.oid = attcollation
        WHERE attnum > 0 AND NOT attisdropped AND relname <> 'alembic_version'
    """,
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'alembic_version'
    """,
    "indexes": """
        SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'
    """,
    "enums": """
        SELECT typname, string_agg(enumlabel, ' ' ORDER BY enumsortorder)
        FROM pg_enum JOIN pg_type ON pg_type.oid = enumtypid GROUP BY typname
    """,
    "others": """
        SELECT relkind::text, relname FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind NOT IN ('r', 'i')
        UNION ALL SELECT 'extension', extname FROM pg_extension
    """,
    "triggers": """
        SELECT tgname, pg_get_triggerdef(pg_trigger.oid), proname, prosrc, prosecdef, proconfig::text
        FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid WHERE NOT tgisinternal
    """,
    "routines": "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    "rights": """
        SELECT 'schema', coalesce(grantee::regrole::text, ''), privilege_type
        FROM pg_namespace, aclexplode(nspacl) WHERE nspname = 'public'
        UNION ALL SELECT 'database', coalesce(grantee::regrole::text, ''), privilege_type
        FROM pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba))) WHERE datname = current_database()
    """,
}

Catalog = dict[str, set[tuple[object, ...]]]


def read(url: str) -> Catalog:
    """The catalog of a database, its table of versions left out."""
    with psycopg.connect(url) as connection:
        return {name: set(connection.execute(query).fetchall()) for name, query in QUERIES.items()}
