import { type FormEvent, useId, useState } from "react";

import { signIn, signInAsPartner } from "./session";

const METHODS = {
  person: { legend: "As myself", name: "Username", secret: "Password", signIn },
  partner: { legend: "As a partner", name: "Client id", secret: "Client secret", signIn: signInAsPartner },
};
type Method = keyof typeof METHODS;

/** The sign-in form, for users and partners. */
export function SignIn() {
  const [method, setMethod] = useState<Method>("person");
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const id = useId();
  const selected = METHODS[method];

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setProblem("");
    try {
      await selected.signIn(String(form.get("name")), String(form.get("secret")));
    } catch (error) {
      setProblem((error as Error).message);
      setBusy(false);
    }
  };
  return (
    <form className="sign-in" onSubmit={(event) => void submit(event)}>
      <fieldset className="ways">
        <legend className="unseen">How to sign in</legend>
        {(Object.keys(METHODS) as Method[]).map((one) => (
          <label key={one}>
            <input type="radio" name="way" checked={one === method} onChange={() => setMethod(one)} />{" "}
            {METHODS[one].legend}
          </label>
        ))}
      </fieldset>
      <label htmlFor={`${id}name`}>{selected.name}</label>
      <input
        key={`${method}name`}
        id={`${id}name`}
        name="name"
        required
        autoFocus
        autoCapitalize="none"
        spellCheck={false}
        autoComplete={method === "person" ? "username" : "off"}
      />
      <label htmlFor={`${id}secret`}>{selected.secret}</label>
      <input
        key={`${method}secret`}
        id={`${id}secret`}
        name="secret"
        type="password"
        required
        autoComplete={method === "person" ? "current-password" : "off"}
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
