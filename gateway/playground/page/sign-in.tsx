import { type FormEvent, useId, useState } from "react";

import { signIn, signInAsPartner } from "./session";

const WAYS = {
  person: { legend: "As myself", name: "Username", secret: "Password", signIn },
  partner: { legend: "As a partner", name: "Client id", secret: "Client secret", signIn: signInAsPartner },
};
type Way = keyof typeof WAYS;

/** The form to sign in with, as oneself or as a partner. What was typed leaves it when it is sent. */
export function SignIn() {
  const [way, setWay] = useState<Way>("person");
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const id = useId();
  const chosen = WAYS[way];

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setProblem("");
    try {
      await chosen.signIn(String(form.get("name")), String(form.get("secret")));
    } catch (error) {
      setProblem((error as Error).message);
      setBusy(false);
    }
  };
  return (
    <form className="sign-in" onSubmit={(event) => void submit(event)}>
      <fieldset className="ways">
        <legend className="unseen">How to sign in</legend>
        {(Object.keys(WAYS) as Way[]).map((one) => (
          <label key={one}>
            <input type="radio" name="way" checked={one === way} onChange={() => setWay(one)} /> {WAYS[one].legend}
          </label>
        ))}
      </fieldset>
      <label htmlFor={`${id}name`}>{chosen.name}</label>
      <input
        key={`${way}name`}
        id={`${id}name`}
        name="name"
        required
        autoFocus
        autoCapitalize="none"
        spellCheck={false}
        autoComplete={way === "person" ? "username" : "off"}
      />
      <label htmlFor={`${id}secret`}>{chosen.secret}</label>
      <input
        key={`${way}secret`}
        id={`${id}secret`}
        name="secret"
        type="password"
        required
        autoComplete={way === "person" ? "current-password" : "off"}
      />
      <p role="alert" className="problem">
        {problem}
      </p>
      <button type="submit" className="primary" disabled={busy}>
        Sign in
      </button>
    </form>
  );
}
