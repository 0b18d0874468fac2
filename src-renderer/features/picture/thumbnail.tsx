/** A picture where one was made of something; what stands for it otherwise. */
import type { ReactNode } from "react";
import { madeUrl } from "../../studio/files.ts";
import { type Made, forgetMade } from "./made.ts";

export function Thumbnail({
  made,
  children,
}: {
  readonly made: Made | undefined;
  readonly children: ReactNode;
}): ReactNode {
  if (made === undefined) return children;
  const { sha256 } = made.picture;
  return (
    <span className="picture">
      <img
        src={madeUrl(sha256)}
        alt=""
        draggable={false}
        loading="lazy"
        onError={() => forgetMade(sha256)}
      />
    </span>
  );
}
