/** Entry of the page: connect, restore what was open, draw. */
import "./no-eval.ts";
import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "@mantine/spotlight/styles.css";
import "@fontsource-variable/inter/wght.css";
import "./base.css";
// Stores that only pages use: pages load late, and what is to be restored must be known before.
import "../features/export/export-state.ts";
import "../features/picture/made.ts";
import "../features/picture/picture-settings.ts";
import "../ui/panels.ts";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { connect } from "../studio/connection.ts";
import { followJobs } from "../studio/jobs.ts";
import { restoreAll } from "../studio/remember.ts";
import { followLibrary } from "../studio/watch.ts";
import { listenForHotkeys } from "../ui/commands.ts";
import { App } from "./app.tsx";

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");

void connect();
listenForHotkeys();
const restored = restoreAll();
followJobs();
followLibrary();
createRoot(root).render(
  <StrictMode>
    <App restored={restored} />
  </StrictMode>,
);
