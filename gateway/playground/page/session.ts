/** The page's session. Access tokens are in memory only; the browser has the cookie with the refresh token. */

import { createStore } from "zustand/vanilla";

import { AccessToken } from "./access-token";
import { type ApiResponse, send } from "./api";

/** The time before its expiry at which a token is renewed. */
const RENEW_BEFORE_MS = 60_000;
const RETRY_MS = 5_000;

/** The key that tells this browser's other pages, and this one after a reload, that there is a cookie. */
const SIGNED_IN_KEY = "kierto:signed-in";

export interface Session {
  /** False until the cookie of an earlier visit is tried. */
  known: boolean;
  token: AccessToken | null;
  /** The reason for a session's end, as a text for the user. */
  notice: string;
}

export const session = createStore<Session>(() => ({ known: false, token: null, notice: "" }));

let timer: ReturnType<typeof setTimeout> | undefined;
let renewing: Promise<void> | undefined;

/** Resume the session of an earlier visit, if there is one, and follow sign-ins and sign-outs of other tabs. */
export async function start(): Promise<void> {
  if (localStorage.getItem(SIGNED_IN_KEY)) await renew();
  session.setState({ known: true });
  addEventListener("storage", (event) => {
    if (event.key !== SIGNED_IN_KEY) return;
    const cookie = session.getState().token?.kind !== "PARTNER";
    if (event.newValue && !session.getState().token) void renew();
    else if (!event.newValue && cookie) clearToken("You signed out in another tab.");
  });
  addEventListener("visibilitychange", () => {
    // Timers don't run while the machine sleeps.
    if (document.visibilityState === "visible" && isExpiring()) void renew();
  });
}

/** Sign in as a user; throws an Error with the reason. */
export async function signIn(username: string, password: string): Promise<void> {
  const response = await send("POST", "/auth/session", { json: { username, password } });
  if (!response.ok) throw new Error(response.problem);
  storeTokens(response);
  localStorage.setItem(SIGNED_IN_KEY, "1");
}

/** Sign in as a partner (RFC 6749, section 4.4), without renewal; throws an Error with the reason. */
export async function signInAsPartner(clientId: string, secret: string): Promise<void> {
  const form = { grant_type: "client_credentials", client_id: clientId, client_secret: secret };
  const response = await send("POST", "/auth/token", { form });
  if (!response.ok) throw new Error(response.problem);
  setToken(new AccessToken(String(response.body.access_token), Number(response.body.expires_in)));
}

/** End the session, here and at the server. */
export async function signOut(): Promise<void> {
  const { token } = session.getState();
  clearToken("");
  if (token?.kind === "PARTNER") return;
  localStorage.removeItem(SIGNED_IN_KEY);
  await send("DELETE", "/auth/session", { token: token?.text });
}

/** The token, renewed first if it expires soon; null without a session. */
export async function freshToken(): Promise<string | null> {
  if (isExpiring()) await renew();
  return session.getState().token?.text ?? null;
}

/** Renew the token by the cookie. Concurrent calls share one request. */
export function renew(): Promise<void> {
  renewing ??= renewOnce().finally(() => {
    renewing = undefined;
  });
  return renewing;
}

async function renewOnce(): Promise<void> {
  const { token } = session.getState();
  if (token?.kind === "PARTNER") {
    if (token.left() <= 0) clearToken("The partner's token has ended. Sign in again.");
    return;
  }
  const response = await send("POST", "/auth/session/renew", {});
  if (response.ok) storeTokens(response);
  else if (response.status === 401) {
    localStorage.removeItem(SIGNED_IN_KEY);
    clearToken(token ? "Your session has ended. Sign in again." : "");
  } else if (token && token.left() <= 0) clearToken("The session could not be renewed. Sign in again.");
  else if (token) scheduleRenewal(RETRY_MS);
}

function storeTokens(response: ApiResponse): void {
  setToken(new AccessToken(String(response.body.accessToken), Number(response.body.expiresIn)));
}

function setToken(token: AccessToken): void {
  session.setState({ token, notice: "" });
  scheduleRenewal(token.kind === "PARTNER" ? token.left() : Math.max(token.left() - RENEW_BEFORE_MS, RETRY_MS));
}

function clearToken(notice: string): void {
  clearTimeout(timer);
  session.setState({ token: null, notice });
}

function scheduleRenewal(milliseconds: number): void {
  clearTimeout(timer);
  timer = setTimeout(() => void renew(), milliseconds);
}

function isExpiring(): boolean {
  const { token } = session.getState();
  return token !== null && token.left() < RENEW_BEFORE_MS / 2;
}
