import { useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { useEffect, useState } from "react";
import { useStore } from "zustand";

import { Disclosure } from "./disclosure";
import { type Audience, type Example, examplesFor, loadExamples, variablesOf } from "./example-list";
import { profile } from "./profile";
import { session } from "./session";

const HEADINGS: Record<Audience, string> = {
  customer: "Customers",
  admin: "Admins of an organisation",
  staff: "Staff",
  partner: "Partners",
};

/** The menu of examples: those of the signed-in account's kind, else all. Each opens in a new tab. */
export function Examples() {
  const [examples, setExamples] = useState<Example[]>([]);
  const token = useStore(session, (state) => state.token);
  const me = useStore(profile, (state) => state.me);
  const { queryEditor, variableEditor } = useGraphiQL(({ queryEditor, variableEditor }) => ({
    queryEditor,
    variableEditor,
  }));
  const { addTab } = useGraphiQLActions();
  useEffect(() => void loadExamples().then(setExamples), []);

  const open = async (example: Example) => {
    const variables = await variablesOf(example);
    addTab();
    queryEditor?.setValue(example.query);
    variableEditor?.setValue(Object.keys(variables).length ? JSON.stringify(variables, null, 2) : "");
    queryEditor?.focus();
  };
  const shown = examplesFor(examples, token, me);
  const groups = (Object.keys(HEADINGS) as Audience[]).map((reader) => shown.filter((one) => one.for === reader));
  return (
    <Disclosure label="Examples" name="Examples" className="examples">
      {(close) =>
        groups.map(
          ([first, ...others]) =>
            first && (
              <section key={first.for} aria-label={HEADINGS[first.for]}>
                <h2>{HEADINGS[first.for]}</h2>
                <ul>
                  {[first, ...others].map((example) => (
                    <li key={example.name}>
                      <button
                        type="button"
                        className="choice"
                        onClick={() => {
                          close();
                          void open(example);
                        }}
                      >
                        <b>{example.title}</b>
                        <span>{example.description}</span>
                      </button>
                    </li>
                  ))}
                </ul>
              </section>
            ),
        )
      }
    </Disclosure>
  );
}
