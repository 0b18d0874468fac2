/** The frame around every page: rail, top bar, banner, palette, drop target. */
import { MantineProvider } from "@mantine/core";
import { ModalsProvider } from "@mantine/modals";
import { Notifications } from "@mantine/notifications";
import { QueryClientProvider } from "@tanstack/react-query";
import { type ReactNode, Suspense, lazy, use } from "react";
import { Redirect, Route, Router, Switch, useLocation } from "wouter";
import { useHashLocation } from "wouter/use-hash-location";
import { FitModal } from "../features/explore/fit-modal.tsx";
import { queryClient } from "../studio/client.ts";
import { useConnection } from "../studio/connection.ts";
import { ContextMenu } from "../ui/context-menu.tsx";
import { ErrorBoundary } from "../ui/error-boundary.tsx";
import { CommandPalette } from "./command-palette.tsx";
import { ConnectionBanner, Refused } from "./connection-banner.tsx";
import { DropTarget } from "./drop-target.tsx";
import "./frame.css";
import { JobToasts } from "./job-toasts.tsx";
import { Rail } from "./rail.tsx";
import { lastPage } from "./routes.ts";
import { ShortcutsSheet } from "./shortcuts-sheet.tsx";
import { SchemeFromSettings } from "./scheme.tsx";
import { theme, variables } from "./theme.ts";
import { Topbar } from "./topbar.tsx";

const Library = lazy(() => import("../features/library/library-page.tsx"));
const Explore = lazy(() => import("../features/explore/explore-page.tsx"));
const Blend = lazy(() => import("../features/blend/blend-page.tsx"));
const Export = lazy(() => import("../features/export/export-page.tsx"));
const Models = lazy(() => import("../features/models/models-page.tsx"));
const Settings = lazy(() => import("../features/settings/settings-page.tsx"));

export function App({ restored }: { readonly restored: Promise<void> }): ReactNode {
  return (
    <MantineProvider theme={theme} cssVariablesResolver={variables} defaultColorScheme="dark">
      <QueryClientProvider client={queryClient}>
        <ModalsProvider>
          <Notifications position="bottom-center" limit={3} containerWidth={460} />
          <Router hook={useHashLocation}>
            <Frame restored={restored} />
          </Router>
        </ModalsProvider>
      </QueryClientProvider>
    </MantineProvider>
  );
}

function Frame({ restored }: { readonly restored: Promise<void> }): ReactNode {
  const [location] = useLocation();
  const refused = useConnection((state) => state.state === "refused");
  if (refused) return <Refused />;
  return (
    <div className="frame">
      <SchemeFromSettings />
      <Rail />
      <div className="frame-page">
        <Topbar />
        <ConnectionBanner />
        <Suspense fallback={<div className="workspace" />}>
          <ErrorBoundary key={location}>
            <Pages restored={restored} />
          </ErrorBoundary>
        </Suspense>
      </div>
      <CommandPalette />
      <ShortcutsSheet />
      <FitModal />
      <ContextMenu />
      <JobToasts />
      <DropTarget />
    </div>
  );
}

/** Nothing of a page is drawn before its state is back, so that nothing jumps. */
function Pages({ restored }: { readonly restored: Promise<void> }): ReactNode {
  use(restored);
  return (
    <Switch>
      <Route path="/explore" component={Explore} />
      <Route path="/blend" component={Blend} />
      <Route path="/library" component={Library} />
      <Route path="/export" component={Export} />
      <Route path="/models" component={Models} />
      <Route path="/settings" component={Settings} />
      <Route>
        <Redirect to={lastPage()} replace />
      </Route>
    </Switch>
  );
}
