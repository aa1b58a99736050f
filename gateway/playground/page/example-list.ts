/** The examples, each for one kind of caller, and the values of their placeholders. */

import type { AccessToken } from "./access-token";
import { send } from "./api";
import type { Me } from "./profile";
import { freshToken } from "./session";

export type Audience = "customer" | "admin" | "staff" | "partner";

/** A text `<...>` among the variables is a placeholder: `<new>` of a new key, any other of a value from `find`. */
export interface Example {
  name: string;
  title: string;
  for: Audience;
  description: string;
  query: string;
  variables: Variables;
  find: string | null;
  /** The scopes that a partner needs. */
  scopes: string[];
}

type Variables = Record<string, unknown>;

const PLACEHOLDER = /^<([A-Za-z]+)>$/;

/** The examples; none if they are not available. */
export async function loadExamples(): Promise<Example[]> {
  const { ok, body } = await send("GET", "/graphql/examples.json", { token: await freshToken() });
  return ok ? (body as unknown as Example[]) : [];
}

/** The examples that an account can use; all without a session. */
export function examplesFor(all: Example[], token: AccessToken | null, me: Me | null): Example[] {
  const readers = audiencesOf(token, me);
  return all.filter(
    (one) => readers.includes(one.for) && (!token || one.scopes.every((scope) => token.scopes.includes(scope))),
  );
}

/** The variables of an example, with placeholders replaced as far as there are values. */
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
  const name = typeof value === "string" && PLACEHOLDER.exec(value)?.[1];
  if (!name) return value;
  return name === "new" ? freshKey() : (firstOf(name, found) ?? value);
}

/** The first scalar of a name in a response, depth first. */
function firstOf(name: string, data: unknown): unknown {
  if (typeof data !== "object" || data === null) return undefined;
  for (const [key, value] of Object.entries(data)) {
    const found = key === name && typeof value !== "object" ? value : firstOf(name, value);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A new key; `randomUUID` is there in secure contexts only. */
function freshKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (one) => one.toString(16).padStart(2, "0")).join("");
}
