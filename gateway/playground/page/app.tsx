import { lazy, Suspense, useState } from "react";
import { useStore } from "zustand";

import { Bar } from "./bar";
import { session } from "./session";
import { takeSharedOperation } from "./shared-operation";
import { SignIn } from "./sign-in";

const Workbench = lazy(() => import("./workbench"));

/** The page; with `signInFirst` it shows only the sign-in form until a user signed in. */
export function App({ signInFirst }: { signInFirst: boolean }) {
  const { known, token, notice } = useStore(session);
  const [tools, setTools] = useState<HTMLElement | null>(null);
  const [shared] = useState(takeSharedOperation);
  const closed = signInFirst && !token;
  return (
    <>
      <Bar toolsRef={setTools} signInThere={closed} />
      <p role="status" className="notice">
        {notice}
      </p>
      {!known ? null : closed ? (
        <main className="sign-in-page">
          <h2>Sign in</h2>
          <SignIn />
        </main>
      ) : (
        <Suspense fallback={<p className="starting">The editor is starting …</p>}>
          {/* The key resets the schema, the responses and the headers when the subject changes. */}
          <Workbench key={token?.subject ?? "nobody"} tools={tools} shared={shared} />
        </Suspense>
      )}
    </>
  );
}
