/** How GraphiQL asks the gateway: queries and mutations by HTTP, subscriptions by socket. */

import type { Fetcher, FetcherParams } from "@graphiql/toolkit";
import { getOperationAST, type OperationDefinitionNode, parse } from "graphql";

import { follow } from "./following";
import { language } from "./language";
import { freshToken, renew } from "./session";

type Fields = Record<string, string>;

/** Headers that a person wrote themselves win. */
export const ask: Fetcher = async (written, options) => {
  const headers = (options?.headers ?? {}) as Fields;
  // For a moment after an edit GraphiQL still names the operation of before.
  const request = operationOf(written) ? written : { ...written, operationName: undefined };
  if (operationOf(request)?.operation === "subscription") return follow(request, headers);
  const token = await freshToken();
  const response = await post(request, headers, token);
  if (response.status !== 401 || !token) return response.json();
  // Access may have changed since the token was made: nothing was executed, so it can be asked again with a new one.
  await renew();
  const renewed = await freshToken();
  return renewed ? (await post(request, headers, renewed)).json() : response.json();
};

/** The operation that is meant; nothing if the text is none. */
function operationOf({ query, operationName }: FetcherParams): OperationDefinitionNode | null | undefined {
  try {
    return getOperationAST(parse(query), operationName);
  } catch {
    return undefined;
  }
}

async function post(request: FetcherParams, own: Fields, token: string | null): Promise<Response> {
  const headers = new Headers({
    "Content-Type": "application/json",
    Accept: "application/graphql-response+json, application/json;q=0.9",
    "Accept-Language": language.getState(),
    ...(token ? { Authorization: `Bearer ${token}` } : {}),
  });
  for (const [name, value] of Object.entries(own)) headers.set(name, value);
  return fetch("/graphql", { method: "POST", headers, body: JSON.stringify(request), cache: "no-store" });
}
