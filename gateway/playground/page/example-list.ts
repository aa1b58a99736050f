/** Ready operations, each for one kind of caller, and what fills the gaps in their variables. */

import type { AccessToken } from "./access-token";
import { send } from "./answers";
import type { Me } from "./profile";
import { freshToken } from "./session";

export type Audience = "customer" | "admin" | "staff" | "partner";

/** A text `<...>` among the variables is a gap: `<new>` for a fresh key, any other for a value that `find` answers with. */
export interface Example {
  name: string;
  title: string;
  for: Audience;
  description: string;
  query: string;
  variables: Variables;
  find: string | null;
  /** What a partner needs for it. */
  scopes: string[];
}

type Variables = Record<string, unknown>;

const GAP = /^<([A-Za-z]+)>$/;

/** None where they can't be had. */
export async function loadExamples(): Promise<Example[]> {
  const { ok, body } = await send("GET", "/graphql/examples.json", { token: await freshToken() });
  return ok ? (body as unknown as Example[]) : [];
}

/** Those that someone can use: everyone's while nobody is signed in. */
export function examplesFor(all: Example[], token: AccessToken | null, me: Me | null): Example[] {
  const readers = audiencesOf(token, me);
  return all.filter(
    (one) => readers.includes(one.for) && (!token || one.scopes.every((scope) => token.scopes.includes(scope))),
  );
}

/** The variables of an example without gaps, as far as there is something to fill them with. */
export async function variablesOf({ variables, find }: Example): Promise<Variables> {
  const token = await freshToken();
  const found = find && token ? (await send("POST", "/graphql", { json: { query: find }, token })).body.data : null;
  return filled(variables, found) as Variables;
}

function audiencesOf(token: AccessToken | null, me: Me | null): Audience[] {
  if (!token) return ["customer", "admin", "staff", "partner"];
  if (token.kind === "PARTNER") return ["partner"];
  if (token.kind === "STAFF") return ["staff"];
  return me?.memberships.some(({ role }) => role === "ADMIN") ? ["customer", "admin"] : ["customer"];
}

function filled(value: unknown, found: unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => filled(one, found));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, filled(one, found)]));
  }
  const gap = typeof value === "string" && GAP.exec(value)?.[1];
  if (!gap) return value;
  return gap === "new" ? freshKey() : (firstOf(gap, found) ?? value);
}

/** The first plain value of a name in an answer, from top to bottom. */
function firstOf(name: string, answer: unknown): unknown {
  if (typeof answer !== "object" || answer === null) return undefined;
  for (const [key, value] of Object.entries(answer)) {
    const found = key === name && typeof value !== "object" ? value : firstOf(name, value);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Not `randomUUID`, which only pages over TLS and on localhost have. */
function freshKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (one) => one.toString(16).padStart(2, "0")).join("");
}
