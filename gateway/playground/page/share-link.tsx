import { useGraphiQL } from "@graphiql/react";
import { useState } from "react";

import { shareUrl } from "./shared-operation";

/** Copies a link to the operation and its variables. */
export function ShareLink() {
  const { queryEditor, variableEditor } = useGraphiQL(({ queryEditor, variableEditor }) => ({
    queryEditor,
    variableEditor,
  }));
  const [status, setStatus] = useState("");
  const share = async () => {
    const link = shareUrl({ query: queryEditor?.getValue() ?? "", variables: variableEditor?.getValue() ?? "" });
    try {
      await navigator.clipboard.writeText(link);
      setStatus("Link copied.");
    } catch {
      history.replaceState(null, "", link);
      setStatus("The link is in the address bar.");
    }
  };
  return (
    <>
      <button type="button" onClick={() => void share()} onBlur={() => setStatus("")}>
        Share
      </button>
      <span role="status" className="said">
        {status}
      </span>
    </>
  );
}
