import { useGraphiQL } from "@graphiql/react";
import { useState } from "react";

import { linkTo } from "./sharing";

/** Copies a link to the operation and its variables. */
export function ShareLink() {
  const { queryEditor, variableEditor } = useGraphiQL(({ queryEditor, variableEditor }) => ({
    queryEditor,
    variableEditor,
  }));
  const [said, setSaid] = useState("");
  const share = async () => {
    const link = linkTo({ query: queryEditor?.getValue() ?? "", variables: variableEditor?.getValue() ?? "" });
    try {
      await navigator.clipboard.writeText(link);
      setSaid("Link copied.");
    } catch {
      history.replaceState(null, "", link);
      setSaid("The link is in the address bar.");
    }
  };
  return (
    <>
      <button type="button" onClick={() => void share()} onBlur={() => setSaid("")}>
        Share
      </button>
      <span role="status" className="said">
        {said}
      </span>
    </>
  );
}
