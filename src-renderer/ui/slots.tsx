/** Places of the frame that the page on show fills: the title of what is edited, and the page's own buttons. */
import { type ReactNode, useCallback } from "react";
import { createPortal } from "react-dom";
import { create } from "zustand";

type Name = "title" | "actions";

const useSlots = create<Record<Name, HTMLElement | null>>(() => ({ title: null, actions: null }));

export function Slot({
  name,
  className,
}: {
  readonly name: Name;
  readonly className: string;
}): ReactNode {
  const take = useCallback(
    (element: HTMLElement | null) => useSlots.setState({ [name]: element }),
    [name],
  );
  return <div ref={take} className={className} />;
}

export function Fill({
  name,
  children,
}: {
  readonly name: Name;
  readonly children: ReactNode;
}): ReactNode {
  const target = useSlots((slots) => slots[name]);
  return target === null ? null : createPortal(children, target);
}

export function Title({
  name,
  about,
}: {
  readonly name: string;
  readonly about?: ReactNode;
}): ReactNode {
  return (
    <Fill name="title">
      <h1 className="topbar-name clip">{name}</h1>
      <span className="topbar-about clip">{about}</span>
    </Fill>
  );
}
