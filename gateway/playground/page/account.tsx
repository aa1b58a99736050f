import { useEffect, useState } from "react";
import { useStore } from "zustand";

import type { AccessToken } from "./access-token";
import { type Membership, profile } from "./profile";
import { signOut } from "./session";

const KINDS = { USER: "Customer", STAFF: "Staff", PARTNER: "Partner" };
const ROLES = { ADMIN: "admin", EDITOR: "editor", VIEWER: "viewer" };

/** The name and the first organisation, for the bar. */
export function AccountLabel({ token }: { token: AccessToken }) {
  const me = useStore(profile, (state) => state.me);
  const of = token.kind === "USER" ? me?.memberships[0]?.organisation.name : KINDS[token.kind].toLowerCase();
  return (
    <>
      <span className="who-name">{me?.username ?? token.clientId}</span>
      {of && <span className="who-of">{of}</span>}
    </>
  );
}

/** The signed-in account, the rest of its token's lifetime, and the button to sign out. */
export function AccountPanel({ token }: { token: AccessToken }) {
  const me = useStore(profile, (state) => state.me);
  return (
    <>
      <dl>
        <Fact name="Name">{me?.username ?? token.clientId}</Fact>
        {me && me.email !== me.username && <Fact name="E-mail">{me.email}</Fact>}
        <Fact name="Kind">{KINDS[token.kind]}</Fact>
        {me && me.memberships.length > 0 && (
          <Fact name="Organisations">
            <ul>
              {me.memberships.map((one) => (
                <li key={one.organisation.id}>
                  {one.organisation.name}: {describeMembership(one)}
                </li>
              ))}
            </ul>
          </Fact>
        )}
        {token.kind === "PARTNER" && <Fact name="Scopes">{token.scopes.join(", ") || "none"}</Fact>}
        <Fact name="Token">
          <TimeLeft token={token} />
        </Fact>
      </dl>
      <button type="button" onClick={() => void signOut()}>
        Sign out
      </button>
    </>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function TimeLeft({ token }: { token: AccessToken }) {
  const [seconds, setSeconds] = useState(() => secondsOf(token));
  useEffect(() => {
    setSeconds(secondsOf(token));
    const every = setInterval(() => setSeconds(secondsOf(token)), 1000);
    return () => clearInterval(every);
  }, [token]);
  const lives = `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return (
    <>
      lives {lives}, {token.kind === "PARTNER" ? "then sign in again" : "renewed by itself"}
    </>
  );
}

function secondsOf(token: AccessToken): number {
  return Math.max(0, Math.round(token.left() / 1000));
}

function describeMembership({ role, billing, siteIds, until }: Membership): string {
  const words = [ROLES[role]];
  if (billing) words.push("billing");
  if (siteIds) words.push(`${siteIds.length} sites`);
  if (until) words.push(`until ${until}`);
  return words.join(", ");
}
