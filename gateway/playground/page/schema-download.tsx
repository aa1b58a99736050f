import { useState } from "react";

import { Disclosure } from "./disclosure";
import { freshToken } from "./session";

const FORMS = {
  "schema.graphql": "As SDL",
  "schema.json": "As introspection JSON",
};

/** The download of the schema as a file, for accounts that may introspect it. */
export function SchemaDownload() {
  const [problem, setProblem] = useState("");
  const download = async (name: string, close: () => void) => {
    const token = await freshToken();
    const response = await fetch(`/${name}`, { headers: token ? { Authorization: `Bearer ${token}` } : {} });
    if (!response.ok) {
      setProblem(response.status === 401 ? "Sign in first." : `The gateway answered ${response.status}.`);
      return;
    }
    setProblem("");
    save(await response.blob(), name);
    close();
  };
  return (
    <Disclosure label="Schema" name="Download the schema">
      {(close) => (
        <>
          {Object.entries(FORMS).map(([name, label]) => (
            <button key={name} type="button" className="choice" onClick={() => void download(name, close)}>
              {label}
            </button>
          ))}
          <p role="alert" className="problem">
            {problem}
          </p>
        </>
      )}
    </Disclosure>
  );
}

function save(file: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
