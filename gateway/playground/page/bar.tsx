import "./bar.css";

import type { Ref } from "react";
import { useStore } from "zustand";

import { Disclosure } from "./disclosure";
import { LANGUAGES, type Language, language, speak } from "./language";
import { session } from "./session";
import { SignIn } from "./sign-in";
import { Who, WhoInShort } from "./who";

interface Props {
  /** Where the workbench puts what works on its editors. */
  toolsRef: Ref<HTMLDivElement>;
  /** Whether the form stands in the page already. */
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
          label={token ? <WhoInShort token={token} /> : "Sign in"}
          name={token ? "Who is signed in" : "Sign in"}
          primary={!token}
          until={token?.subject}
        >
          {token ? <Who token={token} /> : <SignIn />}
        </Disclosure>
      )}
    </header>
  );
}

function LanguageChoice() {
  const spoken = useStore(language);
  return (
    <label className="language">
      <span className="unseen">Language of answers</span>
      <select value={spoken} onChange={(event) => speak(event.target.value as Language)}>
        {Object.entries(LANGUAGES).map(([tag, name]) => (
          <option key={tag} value={tag} lang={tag}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
