/** Short messages at the lower edge, each with at most one thing to do next. */
import { Button } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import type { ReactNode } from "react";
import { failureOf } from "../studio/failure.ts";

interface Toast {
  readonly text: ReactNode;
  readonly action?: { readonly label: string; run(): void } | undefined;
  readonly tone?: "plain" | "danger";
  /** How long it stays, in seconds. */
  readonly seconds?: number;
}

let next = 0;

export function toast({ text, action, tone = "plain", seconds = 6 }: Toast): void {
  const id = `toast-${next++}`;
  notifications.show({
    id,
    autoClose: seconds * 1000,
    closeButtonProps: { "aria-label": "Close" },
    className: tone === "danger" ? "toast toast-danger" : "toast",
    withBorder: false,
    message: (
      <span className="row">
        <span className="grow" data-selectable>
          {text}
        </span>
        {action !== undefined && (
          <Button
            size="compact-sm"
            onClick={() => {
              notifications.hide(id);
              action.run();
            }}
          >
            {action.label}
          </Button>
        )}
      </span>
    ),
  });
}

/** For a failed call: what main says, after what was being done. */
export function toastFailure(doing: string, error: unknown): void {
  const failure = failureOf(error);
  toast({
    tone: "danger",
    seconds: 12,
    text: (
      <>
        <strong>{doing}.</strong> {failure.message}
      </>
    ),
  });
}
