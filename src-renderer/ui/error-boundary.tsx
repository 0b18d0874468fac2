/** Keeps a page that broke from taking the frame with it. */
import { Component, type ReactNode } from "react";
import { Failed } from "./states.tsx";

interface Props {
  /** Another value (another page) gives it another try. */
  readonly resetKey: string;
  readonly children: ReactNode;
}

export class ErrorBoundary extends Component<Props, { error: unknown }> {
  override state: { error: unknown } = { error: null };

  static getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error };
  }

  override componentDidUpdate(before: Props): void {
    if (before.resetKey !== this.props.resetKey && this.state.error !== null) this.setState({ error: null });
  }

  override render(): ReactNode {
    if (this.state.error === null) return this.props.children;
    return (
      <main className="workspace">
        <Failed doing="This page broke" error={this.state.error} next="Your library and running jobs are not touched. Try again, or go to another page." retry={() => this.setState({ error: null })} />
      </main>
    );
  }
}
