/** The page's own requests to the gateway, and their responses. */

import { language } from "./language";

export interface ApiResponse {
  ok: boolean;
  status: number;
  body: Record<string, unknown>;
  /** The error, as a text for the user. */
  problem: string;
}

interface ApiRequest {
  json?: unknown;
  form?: Record<string, string>;
  token?: string | null;
}

/** Send a request. Never throws: a gateway that can't be reached is a response with status 0. */
export async function send(method: string, address: string, { json, form, token }: ApiRequest): Promise<ApiResponse> {
  const headers: Record<string, string> = { Accept: "application/json", "Accept-Language": language.getState() };
  if (json !== undefined) headers["Content-Type"] = "application/json";
  if (token) headers.Authorization = `Bearer ${token}`;
  const body = form ? new URLSearchParams(form) : json === undefined ? undefined : JSON.stringify(json);
  try {
    const response = await fetch(address, { method, headers, body, credentials: "same-origin", cache: "no-store" });
    const text = await response.text();
    const content = text ? (JSON.parse(text) as Record<string, unknown>) : {};
    return { ok: response.ok, status: response.status, body: content, problem: problemOf(content, response.status) };
  } catch {
    return { ok: false, status: 0, body: {}, problem: "The gateway can't be reached." };
  }
}

/** The message of an error in GraphQL's form or OAuth's (RFC 6749, section 5.2). */
function problemOf(content: Record<string, unknown>, status: number): string {
  const [first] = (content.errors ?? []) as { message?: string }[];
  return first?.message ?? (content.error_description as string | undefined) ?? `The gateway answered ${status}.`;
}
