/** Keeps a page that broke from taking the frame with it. */
import { Component, type ReactNode } from "react";
import { Failed } from "./states.tsx";

interface Props {
  readonly children: ReactNode;
}

/** Give it the page's address as key, so that another page gets another try. */
export class ErrorBoundary extends Component<Props, { error: unknown }> {
  override state: { error: unknown } = { error: null };

  static getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error };
  }

  override render(): ReactNode {
    if (this.state.error === null) return this.props.children;
    return (
      <main className="workspace">
        <Failed
          doing="This page broke"
          error={this.state.error}
          next="Your library and running jobs are not touched. Try again, or go to another page."
          retry={() => this.setState({ error: null })}
        />
      </main>
    );
  }
}
