import "./bar.css";

import type { Ref } from "react";
import { useStore } from "zustand";

import { AccountLabel, AccountPanel } from "./account";
import { Disclosure } from "./disclosure";
import { LANGUAGES, type Language, language, setLanguage } from "./language";
import { session } from "./session";
import { SignIn } from "./sign-in";

interface Props {
  /** The container of the workbench's tools. */
  toolsRef: Ref<HTMLDivElement>;
  /** Whether the page has the sign-in form already. */
  signInThere: boolean;
}

export function Bar({ toolsRef, signInThere }: Props) {
  const token = useStore(session, (state) => state.token);
  return (
    <header className="bar">
      <h1>
        Kierto <span>playground</span>
      </h1>
      <div className="bar-tools" ref={toolsRef} role="group" aria-label="Operations" />
      <LanguageChoice />
      {!signInThere && (
        <Disclosure
          className="bar-who"
          label={token ? <AccountLabel token={token} /> : "Sign in"}
          name={token ? "Who is signed in" : "Sign in"}
          primary={!token}
          until={token?.subject}
        >
          {token ? <AccountPanel token={token} /> : <SignIn />}
        </Disclosure>
      )}
    </header>
  );
}

function LanguageChoice() {
  const current = useStore(language);
  return (
    <label className="language">
      <span className="unseen">Language of answers</span>
      <select value={current} onChange={(event) => setLanguage(event.target.value as Language)}>
        {Object.entries(LANGUAGES).map(([tag, name]) => (
          <option key={tag} value={tag} lang={tag}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
