import { lazy, Suspense, useState } from "react";
import { useStore } from "zustand";

import { Bar } from "./bar";
import { session } from "./session";
import { takeShared } from "./sharing";
import { SignIn } from "./sign-in";

const Workbench = lazy(() => import("./workbench"));

/** `signInFirst`: nothing but the way in for who is not signed in. */
export function App({ signInFirst }: { signInFirst: boolean }) {
  const { known, token, notice } = useStore(session);
  const [tools, setTools] = useState<HTMLElement | null>(null);
  const [shared] = useState(takeShared);
  const closed = signInFirst && !token;
  return (
    <>
      <Bar toolsRef={setTools} signInThere={closed} />
      <p role="status" className="notice">
        {notice}
      </p>
      {!known ? null : closed ? (
        <main className="door">
          <h2>Sign in</h2>
          <SignIn />
        </main>
      ) : (
        <Suspense fallback={<p className="starting">The editor is starting …</p>}>
          {/* Another subject begins anew: with a schema, answers and headers of its own. */}
          <Workbench key={token?.subject ?? "nobody"} tools={tools} shared={shared} />
        </Suspense>
      )}
    </>
  );
}
