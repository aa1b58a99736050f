import "./page.css";

import { createRoot } from "react-dom/client";

import { App } from "./app";
import { start } from "./session";

void start();
createRoot(document.getElementById("root")!).render(<App signInFirst={"signInFirst" in document.documentElement.dataset} />);
