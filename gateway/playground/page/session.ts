/** Who is signed in on this page. Tokens are held in memory and nowhere else; the browser keeps the cookie that renews. */

import { createStore } from "zustand/vanilla";

import { AccessToken } from "./access-token";
import { type Answer, send } from "./answers";

/** Ahead of its end by so many milliseconds a token is renewed. */
const AHEAD = 60_000;
const AGAIN_AFTER = 5_000;

/** Says to this browser's other pages, and to this one after a reload, that there is a cookie: no more than that. */
const MARK = "kierto:signed-in";

export interface Session {
  /** False until it is known whether the cookie of an earlier visit still holds. */
  known: boolean;
  token: AccessToken | null;
  /** Why nobody is signed in any more, for the person in front of it. */
  notice: string;
}

export const session = createStore<Session>(() => ({ known: false, token: null, notice: "" }));

let timer: ReturnType<typeof setTimeout> | undefined;
let renewing: Promise<void> | undefined;

/** Go on with the session of an earlier visit, if there is one; follow what other pages of this browser do. */
export async function start(): Promise<void> {
  if (localStorage.getItem(MARK)) await renew();
  session.setState({ known: true });
  addEventListener("storage", (event) => {
    if (event.key !== MARK) return;
    const cookie = session.getState().token?.kind !== "PARTNER";
    if (event.newValue && !session.getState().token) void renew();
    else if (!event.newValue && cookie) forget("You signed out in another tab.");
  });
  addEventListener("visibilitychange", () => {
    // Timers sleep while a machine does.
    if (document.visibilityState === "visible" && nearItsEnd()) void renew();
  });
}

/** Sign in as oneself; throws an Error that says why it could not be. */
export async function signIn(username: string, password: string): Promise<void> {
  const answer = await send("POST", "/auth/session", { json: { username, password } });
  if (!answer.ok) throw new Error(answer.problem);
  take(answer);
  localStorage.setItem(MARK, "1");
}

/** Sign in as a partner (RFC 6749, section 4.4); throws an Error that says why it could not be. There is no renewal. */
export async function signInAsPartner(clientId: string, secret: string): Promise<void> {
  const form = { grant_type: "client_credentials", client_id: clientId, client_secret: secret };
  const answer = await send("POST", "/auth/token", { form });
  if (!answer.ok) throw new Error(answer.problem);
  hold(new AccessToken(String(answer.body.access_token), Number(answer.body.expires_in)));
}

/** End the session, here and at the server. */
export async function signOut(): Promise<void> {
  const { token } = session.getState();
  forget("");
  if (token?.kind === "PARTNER") return;
  localStorage.removeItem(MARK);
  await send("DELETE", "/auth/session", { token: token?.text });
}

/** A token that holds now: renewed first if it is near its end; none if nobody is signed in. */
export async function freshToken(): Promise<string | null> {
  if (nearItsEnd()) await renew();
  return session.getState().token?.text ?? null;
}

/** Renew the token by the cookie. Two at once are one. */
export function renew(): Promise<void> {
  renewing ??= renewOnce().finally(() => {
    renewing = undefined;
  });
  return renewing;
}

async function renewOnce(): Promise<void> {
  const { token } = session.getState();
  if (token?.kind === "PARTNER") {
    if (token.left() <= 0) forget("The partner's token has ended. Sign in again.");
    return;
  }
  const answer = await send("POST", "/auth/session/renew", {});
  if (answer.ok) take(answer);
  else if (answer.status === 401) {
    localStorage.removeItem(MARK);
    forget(token ? "Your session has ended. Sign in again." : "");
  } else if (token && token.left() <= 0) forget("The session could not be renewed. Sign in again.");
  else if (token) later(AGAIN_AFTER);
}

function take(answer: Answer): void {
  hold(new AccessToken(String(answer.body.accessToken), Number(answer.body.expiresIn)));
}

function hold(token: AccessToken): void {
  session.setState({ token, notice: "" });
  later(token.kind === "PARTNER" ? token.left() : Math.max(token.left() - AHEAD, AGAIN_AFTER));
}

function forget(notice: string): void {
  clearTimeout(timer);
  session.setState({ token: null, notice });
}

function later(milliseconds: number): void {
  clearTimeout(timer);
  timer = setTimeout(() => void renew(), milliseconds);
}

function nearItsEnd(): boolean {
  const { token } = session.getState();
  return token !== null && token.left() < AHEAD / 2;
}
