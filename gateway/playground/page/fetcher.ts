/** GraphiQL's fetcher: queries and mutations by HTTP, subscriptions by WebSocket. */

import type { Fetcher, FetcherParams } from "@graphiql/toolkit";
import { getOperationAST, type OperationDefinitionNode, parse } from "graphql";

import { language } from "./language";
import { freshToken, renew } from "./session";
import { subscribe } from "./subscription";

type Fields = Record<string, string>;

/** Execute an operation; headers of the editor precede the page's own. */
export const fetcher: Fetcher = async (params, options) => {
  const headers = (options?.headers ?? {}) as Fields;
  // Right after an edit GraphiQL still has the previous operation's name.
  const request = operationOf(params) ? params : { ...params, operationName: undefined };
  if (operationOf(request)?.operation === "subscription") return subscribe(request, headers);
  const token = await freshToken();
  const response = await post(request, headers, token);
  if (response.status !== 401 || !token) return response.json();
  // The access may have changed since the token was issued. Nothing was executed, so a retry with a new one is safe.
  await renew();
  const renewed = await freshToken();
  return renewed ? (await post(request, headers, renewed)).json() : response.json();
};

/** The selected operation; undefined if the document is invalid. */
function operationOf({ query, operationName }: FetcherParams): OperationDefinitionNode | null | undefined {
  try {
    return getOperationAST(parse(query), operationName);
  } catch {
    return undefined;
  }
}

async function post(request: FetcherParams, editorHeaders: Fields, token: string | null): Promise<Response> {
  const headers = new Headers({
    "Content-Type": "application/json",
    Accept: "application/graphql-response+json, application/json;q=0.9",
    "Accept-Language": language.getState(),
    ...(token ? { Authorization: `Bearer ${token}` } : {}),
  });
  for (const [name, value] of Object.entries(editorHeaders)) headers.set(name, value);
  return fetch("/graphql", { method: "POST", headers, body: JSON.stringify(request), cache: "no-store" });
}
