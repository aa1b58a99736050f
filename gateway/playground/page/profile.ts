/** The signed-in user and the memberships, by the query `me`. */

import { createStore } from "zustand/vanilla";

import { send } from "./api";
import { session } from "./session";

export interface Membership {
  organisation: { id: string; name: string };
  role: "ADMIN" | "EDITOR" | "VIEWER";
  billing: boolean;
  siteIds: string[] | null;
  until: string | null;
}

export interface Me {
  username: string;
  email: string;
  staff: boolean;
  memberships: Membership[];
}

const QUERY = `query Who {
  me { username email staff memberships { organisation { id name } role billing siteIds until } }
}`;

/** Null until it is loaded, and for partners. */
export const profile = createStore<{ me: Me | null }>(() => ({ me: null }));

session.subscribe(({ token }, { token: before }) => {
  if (token?.subject === before?.subject) return;
  profile.setState({ me: null });
  if (token && token.kind !== "PARTNER") void load(token.text, token.subject);
});

async function load(token: string, subject: string): Promise<void> {
  const { body } = await send("POST", "/graphql", { json: { query: QUERY }, token });
  if (session.getState().token?.subject !== subject) return;
  profile.setState({ me: (body.data as { me?: Me | null } | undefined)?.me ?? null });
}
