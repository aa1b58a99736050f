/** Requests to the gateway beside GraphQL's own, and what their answers say. */

import { language } from "./language";

export interface Answer {
  ok: boolean;
  status: number;
  body: Record<string, unknown>;
  /** What went wrong, in words for the person in front of it. */
  problem: string;
}

interface Sent {
  json?: unknown;
  form?: Record<string, string>;
  token?: string | null;
}

/** Never throws: a gateway that can't be reached is an answer of status 0. */
export async function send(method: string, address: string, { json, form, token }: Sent): Promise<Answer> {
  const headers: Record<string, string> = { Accept: "application/json", "Accept-Language": language.getState() };
  if (json !== undefined) headers["Content-Type"] = "application/json";
  if (token) headers.Authorization = `Bearer ${token}`;
  const body = form ? new URLSearchParams(form) : json === undefined ? undefined : JSON.stringify(json);
  try {
    const response = await fetch(address, { method, headers, body, credentials: "same-origin", cache: "no-store" });
    const text = await response.text();
    const answer = text ? (JSON.parse(text) as Record<string, unknown>) : {};
    return { ok: response.ok, status: response.status, body: answer, problem: problemOf(answer, response.status) };
  } catch {
    return { ok: false, status: 0, body: {}, problem: "The gateway can't be reached." };
  }
}

/** GraphQL's form of errors, or OAuth's (RFC 6749, section 5.2). */
function problemOf(answer: Record<string, unknown>, status: number): string {
  const [first] = (answer.errors ?? []) as { message?: string }[];
  return first?.message ?? (answer.error_description as string | undefined) ?? `The gateway answered ${status}.`;
}
