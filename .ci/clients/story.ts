// A story played by openapi-fetch with the types that openapi-typescript generates: node story.js ADDRESS.
// .ci/openapi-clients generates schema.d.ts, checks the types and compiles it. story.py plays the same.
import { deepEqual, equal, fail } from "node:assert/strict";
import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Schemas = components["schemas"];
type Api = Client<paths>;

const PASSWORD = "Flycatcher-demo-1"; // the demo's, on a database that is thrown away
const address = process.argv[2] ?? fail("story.ts: which address?");

/** What a success shows. */
function shown<Shown>(answer: { data?: Shown; error?: unknown; response: Response }): Shown {
  return answer.data ?? unexpected(answer);
}

function unexpected(answer: { error?: unknown; response: Response }): never {
  fail(`story.ts: ${answer.response.url}: ${answer.response.status} ${JSON.stringify(answer.error)}`);
}

/** A client; several values of a parameter are comma-separated, as the description has it. */
function connect(token?: string): Api {
  return createClient<paths>({
    baseUrl: address,
    headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
    querySerializer: { array: { style: "form", explode: false } },
  });
}

async function signIn(username: string): Promise<{ api: Api; tokens: Schemas["Tokens"] }> {
  const tokens = shown(await connect().POST("/api/auth/login", { body: { username, password: PASSWORD } }));
  return { api: connect(tokens.access_token), tokens };
}

/** A project, once, however often it is asked for; three issues in it, and the first of them. */
async function create(api: Api): Promise<{ project: Schemas["Project"]; issue: Schemas["Issue"] }> {
  const params = { header: { "Idempotency-Key": crypto.randomUUID() } };
  const body = { name: `Story in TypeScript ${crypto.randomUUID()}` };
  const project = shown(await api.POST("/api/projects", { params, body }));
  deepEqual(shown(await api.POST("/api/projects", { params, body })), project);

  const issues: Schemas["Issue"][] = [];
  for (const title of ["Receipt is cut off", "Screen stays dark", "Beeps twice"]) {
    const answer = await api.POST("/api/projects/{id}/issues", {
      params: { path: { id: project.id } },
      body: { title, priority: "high" },
    });
    issues.push(shown(answer));
    equal(answer.response.headers.get("Location"), `/api/issues/${shown(answer).id}`);
  }
  return { project, issue: issues[0] ?? fail() };
}

/** The issues of the project, page by page. */
async function read(api: Api, project: Schemas["Project"]): Promise<void> {
  const titles = new Set<string>();
  for (const page of [1, 2]) {
    const query = { project: project.id, status: ["open" as const, "in_progress" as const], priority: ["high" as const], page, limit: 2 };
    const found = shown(await api.GET("/api/issues", { params: { query } }));
    deepEqual([found.total, found.pages], [3, 2]);
    found.items.forEach((issue) => titles.add(issue.title));
  }
  equal(titles.size, 3);
}

/** Only what has not changed since it was read, and only by moves that there are. */
async function change(api: Api, { id }: Schemas["Issue"]): Promise<void> {
  const path = { id };
  const tag = (await api.GET("/api/issues/{id}", { params: { path } })).response.headers.get("ETag") ?? fail();
  const kept = await api.GET("/api/issues/{id}", { params: { path, header: { "If-None-Match": tag } } });
  equal(kept.response.status, 304);

  const ifMatch = { path, header: { "If-Match": tag } };
  equal(shown(await api.PATCH("/api/issues/{id}", { params: ifMatch, body: { status: "in_progress" } })).status, "in_progress");
  const late = await api.PATCH("/api/issues/{id}", { params: ifMatch, body: { title: "Late" } });
  equal(late.error?.code, "precondition_failed");

  const refused = await api.PATCH("/api/issues/{id}", { params: { path }, body: { status: "closed" } });
  if (refused.error?.code !== "invalid_transition") unexpected(refused);
  deepEqual(refused.error.allowed, ["resolved"]);
}

/** A comment, and what it said before it was edited. */
async function comment(api: Api, { id }: Schemas["Issue"]): Promise<void> {
  const body = { content: "It is the **driver**" };
  const written = shown(await api.POST("/api/issues/{id}/comments", { params: { path: { id } }, body }));
  const params = { path: { id: written.id } };
  equal(shown(await api.PATCH("/api/comments/{id}", { params, body: { content: "It is the cable" } })).content, "It is the cable");
  const revisions = shown(await api.GET("/api/comments/{id}/revisions", { params }));
  deepEqual(revisions.items.map((revision) => revision.content), [body.content]);
}

const { api: manager, tokens } = await signIn("manager1");
const { api: admin } = await signIn("admin");
const me = shown(await manager.GET("/api/auth/me"));
const { project, issue } = await create(manager);
await read(manager, project);
await change(manager, issue);
await comment(manager, issue);

const events = shown(await admin.GET("/api/audit", { params: { query: { actor: me.id, action: "auth.login" } } }));
deepEqual([...new Set(events.items.map((event) => event.actor?.id))], [me.id]);

const left = await manager.POST("/api/auth/logout", { body: { refresh_token: tokens.refresh_token } });
equal(left.response.status, 204);
const ended = await manager.GET("/api/auth/me");
if (ended.error?.code !== "token_revoked") unexpected(ended);
equal(ended.error.status, 401);
console.log("openapi: the client in TypeScript has played its story");
