import "@graphiql/react/style.css";
import "@graphiql/plugin-doc-explorer/style.css";
import "@graphiql/plugin-history/style.css";
import "graphiql/graphiql.css";
import "./workbench.css";
import "./workers";

import { GraphiQL } from "graphiql";
import { createPortal } from "react-dom";

import { EditorAccessibility } from "./editor-accessibility";
import { THEMES } from "./editor-themes";
import { Examples } from "./examples";
import { fetcher } from "./fetcher";
import { SchemaDownload } from "./schema-download";
import { ShareLink } from "./share-link";
import type { SharedOperation } from "./shared-operation";
import { storage } from "./storage";
import { SubscriptionBar } from "./subscription-bar";

const FIRST_QUERY = `# Write an operation, or take an example.
# Ctrl-Enter runs it, Ctrl-Space completes,
# Tab leaves the editor.

query Welcome {
  __typename
}
`;

interface Props {
  tools: HTMLElement | null;
  shared: SharedOperation | null;
}

export default function Workbench({ tools, shared }: Props) {
  return (
    <main className="workbench">
      <GraphiQL
        fetcher={fetcher}
        storage={storage}
        editorTheme={THEMES}
        shouldPersistHeaders={false}
        defaultQuery={FIRST_QUERY}
        defaultEditorToolsVisibility="variables"
        initialQuery={shared?.query}
        initialVariables={shared?.variables}
      >
        <GraphiQL.Logo>{null}</GraphiQL.Logo>
        <GraphiQL.Footer>
          <SubscriptionBar />
        </GraphiQL.Footer>
        <EditorAccessibility />
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
