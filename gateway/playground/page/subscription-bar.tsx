import { useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { useEffect, useRef } from "react";
import { useStore } from "zustand";

import { following, goOn } from "./following";

/** How the tab's subscription fares, and the offer to go on with it once it closed. */
export function FollowingBar() {
  const { state, received, cursor, why } = useStore(following);
  const tab = useGraphiQL(({ tabs, activeTabIndex }) => tabs[activeTabIndex]?.id);
  const { run } = useGraphiQLActions();
  const followed = useRef<string | undefined>(undefined);
  useEffect(() => {
    if (state === "live") followed.current = tab;
  }, [state, tab]);
  if (state === "none" || (state === "closed" && followed.current !== tab)) return null;
  const events = `${received} ${received === 1 ? "event" : "events"}`;
  return (
    <div className="following">
      <p role="status">{state === "live" ? `Following: ${events} so far.` : `Closed after ${events}: ${why}.`}</p>
      {state === "closed" && cursor && (
        <button
          type="button"
          onClick={() => {
            goOn();
            void run();
          }}
        >
          Go on behind the last one
        </button>
      )}
    </div>
  );
}
