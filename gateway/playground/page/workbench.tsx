import "@graphiql/react/style.css";
import "@graphiql/plugin-doc-explorer/style.css";
import "@graphiql/plugin-history/style.css";
import "graphiql/graphiql.css";
import "./workbench.css";
import "./workers";

import { GraphiQL } from "graphiql";
import { createPortal } from "react-dom";

import { ask } from "./asking";
import { THEMES } from "./editor-themes";
import { EditorsForKeyboards } from "./editors-for-keyboards";
import { Examples } from "./examples";
import { FollowingBar } from "./following-bar";
import { kept } from "./kept";
import { SchemaDownload } from "./schema-download";
import { ShareLink } from "./share-link";
import type { Shared } from "./sharing";

const FIRST_QUERY = `# Write an operation, or take an example.
# Ctrl-Enter runs it, Ctrl-Space completes,
# Tab leaves the editor.

query Welcome {
  __typename
}
`;

interface Props {
  tools: HTMLElement | null;
  shared: Shared | null;
}

export default function Workbench({ tools, shared }: Props) {
  return (
    <main className="workbench">
      <GraphiQL
        fetcher={ask}
        storage={kept}
        editorTheme={THEMES}
        shouldPersistHeaders={false}
        defaultQuery={FIRST_QUERY}
        defaultEditorToolsVisibility="variables"
        initialQuery={shared?.query}
        initialVariables={shared?.variables}
      >
        <GraphiQL.Logo>{null}</GraphiQL.Logo>
        <GraphiQL.Footer>
          <FollowingBar />
        </GraphiQL.Footer>
        <EditorsForKeyboards />
        {tools &&
          createPortal(
            <>
              <Examples />
              <ShareLink />
              <SchemaDownload />
            </>,
            tools,
          )}
      </GraphiQL>
    </main>
  );
}
