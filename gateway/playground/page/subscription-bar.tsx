import { useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { useEffect, useRef } from "react";
import { useStore } from "zustand";

import { resumeNext, subscriptionState } from "./subscription";

/** The state of the tab's subscription, and a button to resume it once it is closed. */
export function SubscriptionBar() {
  const { state, received, cursor, closeReason } = useStore(subscriptionState);
  const tab = useGraphiQL(({ tabs, activeTabIndex }) => tabs[activeTabIndex]?.id);
  const { run } = useGraphiQLActions();
  const subscribedTab = useRef<string | undefined>(undefined);
  useEffect(() => {
    if (state === "live") subscribedTab.current = tab;
  }, [state, tab]);
  if (state === "none" || (state === "closed" && subscribedTab.current !== tab)) return null;
  const events = `${received} ${received === 1 ? "event" : "events"}`;
  return (
    <div className="subscription">
      <p role="status">
        {state === "live" ? `Following: ${events} so far.` : `Closed after ${events}: ${closeReason}.`}
      </p>
      {state === "closed" && cursor && (
        <button
          type="button"
          onClick={() => {
            resumeNext();
            void run();
          }}
        >
          Go on behind the last one
        </button>
      )}
    </div>
  );
}
