"""The floor: the same answers with the least around them, from the libraries that everybody uses.

A bare ASGI application: psycopg's pool, PyJWT for each token, one pipelined round trip by redis-py. It validates
nothing, logs nothing, limits nothing, and has no entity tags; nobody could run it, which is what makes it a measure.
"""

import json
import os
import re
import uuid
from typing import Any

import jwt
import uvicorn
from psycopg_pool import AsyncConnectionPool
from redis.asyncio import Redis

_ISSUE = """
    json_build_object('id', i.id, 'project', json_build_object('id', p.id, 'name', p.name), 'title', i.title,
        'description', i.description, 'description_html', i.description_html, 'status', i.status,
        'priority', i.priority, 'reporter', json_build_object('id', r.id, 'username', r.username),
        'assignee', CASE WHEN a.id IS NOT NULL THEN json_build_object('id', a.id, 'username', a.username) END,
        'due_date', i.due_date, 'created_at', i.created_at, 'updated_at', i.updated_at,
        'comment_count', (SELECT count(*) FROM comments c WHERE c.issue_id = i.id))::text
"""
_JOINED = """
    JOIN projects p ON p.id = i.project_id JOIN users r ON r.id = i.reporter_id
    LEFT JOIN users a ON a.id = i.assignee_id
"""
_COMMENT = """
    json_build_object('id', c.id, 'issue_id', c.issue_id,
        'author', json_build_object('id', u.id, 'username', u.username), 'content', c.content,
        'content_html', c.content_html, 'created_at', c.created_at, 'updated_at', c.updated_at)::text
"""
GET_ISSUE = f"SELECT {_ISSUE} FROM issues i {_JOINED} WHERE i.id = %s"
LIST_ISSUES = f"""
    SELECT (SELECT '[' || coalesce(string_agg(page.shown, ','), '') || ']' FROM (
        SELECT {_ISSUE} AS shown FROM (
            SELECT * FROM issues WHERE project_id = %(project)s AND status = %(status)s
            ORDER BY created_at DESC, id LIMIT 20
        ) i {_JOINED} ORDER BY i.created_at DESC, i.id
    ) page), (SELECT count(*) FROM issues WHERE project_id = %(project)s AND status = %(status)s)
"""
LIST_COMMENTS = f"""
    SELECT '[' || coalesce(string_agg(page.shown, ','), '') || ']' FROM (
        SELECT {_COMMENT} AS shown FROM comments c JOIN users u ON u.id = c.author_id
        WHERE c.issue_id = %s ORDER BY c.created_at, c.id LIMIT 20
    ) page
"""
CREATE_ISSUE = f"""
    WITH i AS (
        INSERT INTO issues (id, project_id, title, title_folded, description, description_html, status, priority,
            reporter_id, search)
        VALUES (%(id)s, %(project)s, %(title)s, lower(%(title)s), %(description)s, %(description)s, 'open',
            %(priority)s, %(user)s,
            array_to_tsvector(string_to_array(lower(%(title)s || ' ' || %(description)s), ' ')))
        RETURNING *
    )
    SELECT {_ISSUE} FROM i {_JOINED}
"""
ADD_COMMENT = f"""
    WITH c AS (
        INSERT INTO comments (id, issue_id, author_id, content, content_html)
        VALUES (%(id)s, %(issue)s, %(user)s, %(content)s, %(content)s)
        RETURNING *
    )
    SELECT {_COMMENT} FROM c JOIN users u ON u.id = c.author_id
"""

_ONE = re.compile(r"/api/(issues|projects)/([0-9a-f-]{36})(/issues|/comments)?")
_pool = AsyncConnectionPool(os.environ["DATABASE_URL"], min_size=1, max_size=5, open=False, kwargs={"autocommit": True})
_redis = Redis.from_url(os.environ["REDIS_URL"])
_keys = {jwk["kid"]: jwt.PyJWK(jwk).key for jwk in json.loads(os.environ["JWT_PUBLIC_KEYS"])["keys"]}


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Serve one request, or the server's start and stop."""
    if scope["type"] == "lifespan":
        await receive()
        await _pool.open()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await _pool.close()
        await send({"type": "lifespan.shutdown.complete"})
        return
    token = dict(scope["headers"])[b"authorization"][7:].decode()
    key = _keys[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, algorithms=["RS256"], audience="flycatcher", issuer="flycatcher")
    async with _redis.pipeline(transaction=False) as pipeline:
        pipeline.incr(f"floor:{scope['client'][0]}")
        pipeline.expire(f"floor:{scope['client'][0]}", 60)
        pipeline.exists(f"floor:denied:{claims['sid']}")
        await pipeline.execute()
    status, body = await _answer(scope, receive, claims)
    length = str(len(body)).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", length)]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _answer(scope: Any, receive: Any, claims: dict[str, Any]) -> tuple[int, bytes]:
    match = _ONE.fullmatch(scope["path"])
    async with _pool.connection() as db:
        if match is None:
            given = dict(pair.split("=") for pair in scope["query_string"].decode().split("&"))
            items, total = await _row(db, LIST_ISSUES, {"project": given["project"], "status": given["status"]})
            return 200, f'{{"items":{items},"page":1,"limit":20,"total":{total}}}'.encode()
        _, found, rest = match.groups()
        if scope["method"] == "GET":
            (text,) = await _row(db, LIST_COMMENTS if rest else GET_ISSUE, [found])
            return 200, text.encode()
        values = json.loads((await receive())["body"]) | {"id": uuid.uuid4(), "user": claims["sub"]}
        query, place = (CREATE_ISSUE, "project") if rest == "/issues" else (ADD_COMMENT, "issue")
        (text,) = await _row(db, query, values | {place: found})
        return 201, text.encode()


async def _row(db: Any, query: str, parameters: Any) -> Any:
    return await (await db.execute(query, parameters)).fetchone()


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ["PORT"]), lifespan="on", access_log=False, log_level="warning")
